"""
markup.py: the markdown dialects of the vendors, as far as alerts use them: who is called, which links there are, and
the same as HTML for the page.

A mention or a link is what the vendor's client would make one, wherever it came from: that is how a test sees that a
label of an alert could smuggle one in.
"""
import html
import re

DIALECTS = ("plain", "feishu", "lark_md", "dingtalk", "wecom", "slack", "mail")

LINK = re.compile(r"(!?)\[([^\]\n]*)\]\(([^)\n]*)\)")
LINK_ESCAPABLE = re.compile(r"(?<!\\)(!?)\[((?:\\.|[^\]\\\n])*)\]\(((?:\\.|[^)\\\n])*)\)")
ANCHOR = re.compile(r"<a\s+href=['\"]?([^'\">\s]*)['\"]?\s*>(.*?)</a>", re.S)
MENTION = {
	"feishu": re.compile(r"<at\s+user_id\s*=\s*[\"']?([^\"'>\s]*)[\"']?\s*>(.*?)</at>", re.S),
	"lark_md": re.compile(r"<at\s+(?:id|user_id|email|ids)\s*=\s*[\"']?([^\"'>\s]*)[\"']?\s*>(.*?)</at>", re.S),
	"wecom": re.compile(r"<@([^>\s]+)>()"),
	"slack": re.compile(r"<((?:@|!)[^>\s]+)>()"),
}
SLACK_LINK = re.compile(r"<((?:https?|mailto|javascript|data|file):[^>|\s]*)(?:\|([^>]*))?>")


def mentions(dialect, text):
	"""Who is called by the markup of a text, in its order."""
	pattern = MENTION.get(dialect)
	return [match.group(1) for match in pattern.finditer(text)] if pattern else []


def links(dialect, text):
	"""Where the markup of a text leads; images count as links."""
	if dialect == "slack":
		return [match.group(1) for match in SLACK_LINK.finditer(text)]
	if dialect == "dingtalk":
		return [match.group(3) for match in LINK_ESCAPABLE.finditer(text)]
	if dialect in ("lark_md", "wecom"):
		found = [match.group(3) for match in LINK.finditer(text)]
		return found + [match.group(1) for match in ANCHOR.finditer(text)] if dialect == "lark_md" else found
	return []


def is_safe(url):
	return url.startswith(("https://", "http://"))


def anchor(url, label):
	"""A link of the page; to nowhere when a browser should not follow it."""
	if not is_safe(html.unescape(url)):
		return '<span class="bad">%s &rarr; %s</span>' % (label, url)
	return '<a href="%s">%s</a>' % (url, label)


def inline(dialect, text):
	"""One line of escaped text, its markup as HTML."""
	if dialect == "slack":
		text = re.sub(r"&lt;((?:@|!).*?)&gt;", r'<span class="at">@\1</span>', text)
		text = re.sub(r"&lt;((?:https?|javascript|data):.*?)(?:\|(.*?))?&gt;",
			lambda m: anchor(m.group(1), m.group(2) or m.group(1)), text)
		text = html_entities(text)
		text = re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"<b>\1</b>", text)
		return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)
	if dialect in ("feishu", "lark_md"):
		text = re.sub(r"&lt;at\s+\w+\s*=\s*(?:&quot;|&#x27;)?(.*?)(?:&quot;|&#x27;)?\s*&gt;(.*?)&lt;/at&gt;",
			lambda m: '<span class="at">@%s</span>' % (m.group(2) or m.group(1)), text)
	if dialect in ("lark_md", "wecom"):
		text = re.sub(r"&lt;font color=(?:&quot;|&#x27;)?([\w-]+)(?:&quot;|&#x27;)?&gt;(.*?)&lt;/font&gt;",
			r'<span class="font-\1">\2</span>', text)
	if dialect == "wecom":
		text = re.sub(r"&lt;@(\S+?)&gt;", r'<span class="at">@\1</span>', text)
	if dialect in ("lark_md", "wecom", "dingtalk"):
		link = LINK_ESCAPABLE if dialect == "dingtalk" else LINK
		text = link.sub(lambda m: anchor(m.group(3), m.group(2)), text)
		text = re.sub(r"(?<!\\)\*\*(.+?)(?<!\\)\*\*", r"<b>\1</b>", text)
		text = re.sub(r"(?<!\\)`([^`\n]+)`", r"<code>\1</code>", text)
		if dialect == "dingtalk":
			text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
		text = html_entities(text)
	return text


def html_entities(text):
	"""What a sender escaped by an entity is shown as the character: it was escaped once more on its way here."""
	return re.sub(r"&amp;(#\d+|#x[0-9a-fA-F]+|lt|gt|amp|quot|nbsp);", r"&\1;", text)


def to_html(dialect, text):
	"""A text as HTML: nothing in it reaches the page but as text, or as what its dialect makes of it."""
	lines = []
	for line in html.escape(text).split("\n"):
		heading = re.match(r"(#{1,6}) +(.*)", line) if dialect in ("dingtalk", "wecom") else None
		quote = re.match(r"&gt; ?(.*)", line) if dialect in ("dingtalk", "wecom", "slack") else None
		item = re.match(r"[-*] +(.*)", line) if dialect in ("dingtalk", "lark_md") else None
		if heading:
			size = len(heading.group(1))
			lines.append('<div class="h h%d">%s</div>' % (size, inline(dialect, heading.group(2))))
		elif quote:
			lines.append('<div class="quote">%s</div>' % inline(dialect, quote.group(1)))
		elif item:
			lines.append('<div class="item">&bull; %s</div>' % inline(dialect, item.group(1)))
		else:
			lines.append('<div class="line">%s</div>' % (inline(dialect, line) or "&nbsp;"))
	return "".join(lines)
