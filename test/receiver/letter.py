"""
letter.py: whether a mail is well-formed, and what people see of it.

Every header that a mail needs is there, once, in ASCII; the subject and the body decode to UTF-8 without a defect.
"""
import base64
import binascii
import re
from email import errors, header, utils

from verdict import Refused, Shown

NEEDED = ("date", "from", "to", "subject", "message-id", "mime-version", "content-type", "content-transfer-encoding")
KNOWN = set(NEEDED) | {"references", "in-reply-to", "auto-submitted", "precedence", "importance", "reply-to", "sender",
	"user-agent", "x-mailer", "list-id"}
MESSAGE_ID = re.compile(r"^<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.\[\]:_-]+>$")
WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")


def want(good, words):
	if not good:
		raise Refused(554, words)


def split_headers(head):
	"""Names in small letters and their unfolded values."""
	found = {}
	last = None
	for line in head.split("\r\n"):
		want(all(c == "\t" or " " <= c <= "~" for c in line), "a header is not printable ASCII")
		if line[:1] in (" ", "\t"):
			want(last is not None and line.strip(), "a fold that continues nothing")
			found[last] += line
			continue
		name, colon, value = line.partition(":")
		want(colon and re.fullmatch(r"[A-Za-z0-9-]+", name), "a line that is no header: %s" % line[:40])
		last = name.lower()
		want(last not in found, "%s stands there twice" % name)
		want(last in KNOWN or last.startswith("x-"), "%s is not a header that we know" % name)
		found[last] = value.strip()
	for name in NEEDED:
		want(found.get(name), "%s is missing" % name)
	return found


def decode_words(text, name):
	"""A header's text, its encoded words decoded."""
	want(all(len(word) <= 75 for word in WORD.findall(text)), "%s: an encoded word of more than 75 characters" % name)
	rest = WORD.sub("", text)
	want("=?" not in rest and "?=" not in rest, "%s: a broken encoded word" % name)
	try:
		decoded = str(header.make_header(header.decode_header(text)))
	except (UnicodeError, LookupError, ValueError, errors.MessageError) as error:
		raise Refused(554, "%s: %s" % (name, error)) from error
	want(not re.search(r"[\x00-\x1f\x7f]", decoded), "%s: a control character" % name)
	return decoded


def decode_body(headers, body):
	encoding = headers["content-transfer-encoding"].lower()
	want(encoding == "base64", "the body is not base64")
	want(all(len(line) <= 76 for line in body.split(b"\r\n")), "a line of base64 of more than 76 characters")
	try:
		text = base64.b64decode(body.replace(b"\r\n", b""), validate=True).decode("utf-8")
	except (binascii.Error, UnicodeDecodeError) as error:
		raise Refused(554, "the body: %s" % error) from error
	want(not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text), "the body: a control character")
	return text.replace("\r\n", "\n")


def read(data):
	"""(what people see, its headers in short); Refused(554) when it is not well-formed."""
	head, empty, body = data.partition(b"\r\n\r\n")
	want(empty, "there is no empty line after the headers")
	headers = split_headers(head.decode("latin-1"))
	want(utils.parsedate_tz(headers["date"]), "Date is none")
	for name in ("from", "to"):
		people = utils.getaddresses([headers[name]])
		want(people and all("@" in address for _, address in people), "%s holds no address" % name)
	want(MESSAGE_ID.match(headers["message-id"]), "Message-ID is not <left@right>")
	for name in ("references", "in-reply-to"):
		want(all(MESSAGE_ID.match(one) for one in headers.get(name, "").split()), "%s is not a list of ids" % name)
	want(headers["mime-version"] == "1.0", "MIME-Version is not 1.0")
	want(re.fullmatch(r'text/plain;\s*charset="?utf-8"?', headers["content-type"], re.I), "not text/plain in UTF-8")
	subject, text = decode_words(headers["subject"], "Subject"), decode_body(headers, body)
	facts = {"From": decode_words(headers["from"], "From"), "To": decode_words(headers["to"], "To"), "Subject": subject,
		"Date": headers["date"], "Message-ID": headers["message-id"]}
	facts.update({name: headers[name.lower()] for name in ("References", "In-Reply-To") if name.lower() in headers})
	return Shown("mail", title=subject, blocks=[("text", "mail", text)]), facts
