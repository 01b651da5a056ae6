"""
verdict.py: what a vendor makes of a request, and what a person would see of the message.

Nothing here knows HTTP or time. The vendors' files (feishu, dingtalk, wecom, slack, alertmanager, mail) return a
Verdict; the web server answers with it, record.py keeps it, page.py shows it.
"""
import json
from dataclasses import dataclass, field


@dataclass
class Shown:
	"""A message as people see it. Blocks, in their order:
	("text", dialect, text), ("fields", dialect, [text, ...]), ("rule",), ("buttons", [(label, url), ...]),
	("note", dialect, text); a dialect is one of markup.DIALECTS."""
	kind: str = "text"
	title: str = ""
	title_dialect: str = "plain"
	colour: str = ""
	blocks: list = field(default_factory=list)
	mentions: list = field(default_factory=list)

	def texts(self):
		"""Every text of the message with its dialect, the title first."""
		found = [(self.title_dialect, self.title)] if self.title else []
		for block in self.blocks:
			if block[0] in ("text", "note"):
				found.append((block[1], block[2]))
			elif block[0] == "fields":
				found.extend((block[1], text) for text in block[2])
			elif block[0] == "buttons":
				found.extend(("plain", label) for label, _ in block[1])
		return found

	def plain(self):
		return "\n".join(text for _, text in self.texts())


@dataclass
class Verdict:
	"""How a request is answered: the vendor's code and words, and the response that carries them."""
	code: object = 0
	words: str = ""
	taken: bool = False
	status: int = 200
	body: bytes = b""
	content_type: str = "application/json; charset=utf-8"
	headers: dict = field(default_factory=dict)
	shown: Shown = None


class Refused(Exception):
	"""Raised by a check: the vendor's code, and the end of its words where they depend on the request."""

	def __init__(self, code, words=""):
		super().__init__(code, words)
		self.code = code
		self.words = words


def to_json(value):
	return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def no_duplicates(pairs):
	names = [name for name, _ in pairs]
	if len(set(names)) != len(names):
		raise ValueError("a name occurs twice in an object")
	return dict(pairs)


def no_constants(name):
	raise ValueError(name + " is no JSON")


def parse_json(body):
	"""The object that a body holds; ValueError for anything that a strict parser would refuse: bytes that are not
	UTF-8, control characters, lone surrogates, names that occur twice, NaN, and what is not an object."""
	text = body.decode("utf-8")
	if text.startswith("\ufeff"):
		raise ValueError("a byte order mark")
	value = json.loads(text, object_pairs_hook=no_duplicates, parse_constant=no_constants)
	json.dumps(value, ensure_ascii=False).encode("utf-8")
	if not isinstance(value, dict):
		raise ValueError("not an object")
	return value


def is_text(value):
	return isinstance(value, str) and value != ""


def is_url(value):
	"""An address that a person may be sent to."""
	return isinstance(value, str) and value.startswith(("https://", "http://")) and len(value) > 8 \
		and not any(c in value for c in " \t\r\n\"<>")
