"""
slack.py: an incoming webhook of Slack, and of what calls itself compatible with it.

	POST /services/<T...>/<B...>/<token>

Answers "ok" as plain text, and failures as plain text with HTTP 400, 403, 404 and 429. Limits are in characters.
"""
import re

import verdict
from verdict import Refused, Shown, Verdict

PATH = re.compile(r"^/services/(.+)$")
BODY_BYTES_MAX = 100000
LIMITS = ([(5, 5)], 0)
STATUS = {"ok": 200, "invalid_token": 403, "no_service": 404, "rate_limited": 429, "method_not_allowed": 405}
COLOUR = re.compile(r"^(?:good|warning|danger|#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6})$")


def answer(words, shown=None, headers=None):
	return Verdict(words, words, words == "ok", STATUS.get(words, 400), words.encode(), "text/plain; charset=utf-8",
		headers or {}, shown)


def text_of(node, most, where, kinds=("plain_text", "mrkdwn")):
	if not isinstance(node, dict) or node.get("type") not in kinds or not verdict.is_text(node.get("text")) \
			or len(node["text"]) > most:
		raise Refused("invalid_blocks", where)
	return ("slack" if node["type"] == "mrkdwn" else "plain", node["text"])


def some(values, most, where):
	if not isinstance(values, list) or not 0 < len(values) <= most or not all(isinstance(v, dict) for v in values):
		raise Refused("invalid_blocks", where)
	return values


def read_section(block):
	blocks = []
	if "text" not in block and "fields" not in block:
		raise Refused("invalid_blocks", "section")
	if "text" in block:
		blocks.append(("text",) + text_of(block["text"], 3000, "section.text"))
	if "fields" in block:
		texts = [text_of(one, 2000, "section.fields") for one in some(block["fields"], 10, "section.fields")]
		blocks.append(("fields", "slack", [text for _, text in texts]))
	return blocks


def read_button(node):
	_, label = text_of(node.get("text"), 75, "button.text", ("plain_text",))
	if node.get("type") != "button" or not verdict.is_url(node.get("url")) or len(node["url"]) > 3000:
		raise Refused("invalid_blocks", "actions.elements")
	return (label, node["url"])


def read_block(block):
	kind = block.get("type")
	if kind == "header":
		return [("text", "slack", "*%s*" % text_of(block.get("text"), 150, "header.text", ("plain_text",))[1])]
	if kind == "section":
		return read_section(block)
	if kind == "divider":
		return [("rule",)]
	if kind == "context":
		return [("note",) + text_of(one, 2000, "context") for one in some(block.get("elements"), 10, "context")]
	if kind == "actions":
		return [("buttons", [read_button(one) for one in some(block.get("elements"), 25, "actions")])]
	raise Refused("invalid_blocks", str(kind))


def read_attachment(attachment, shown):
	colour = attachment.get("color", "")
	if not isinstance(colour, str) or colour and not COLOUR.match(colour):
		raise Refused("invalid_attachments", "color")
	shown.colour = shown.colour or colour
	for name in ("pretext", "title", "text"):
		if name in attachment:
			if not isinstance(attachment[name], str):
				raise Refused("invalid_attachments", name)
			shown.blocks.append(("text", "slack", attachment[name]))
	fields = attachment.get("fields", [])
	if not isinstance(fields, list) or not all(isinstance(one, dict) for one in fields):
		raise Refused("invalid_attachments", "fields")
	if fields:
		texts = ["*%s*\n%s" % (one.get("title", ""), one.get("value", "")) for one in fields]
		shown.blocks.append(("fields", "slack", texts))
	for block in attachment.get("blocks", []):
		shown.blocks.extend(read_block(block))
	if "title_link" in attachment:
		if not verdict.is_url(attachment["title_link"]):
			raise Refused("invalid_attachments", "title_link")
		shown.blocks.append(("buttons", [(str(attachment.get("title", "")), attachment["title_link"])]))
	if isinstance(attachment.get("footer"), str):
		shown.blocks.append(("note", "slack", attachment["footer"]))
	if not any(name in attachment for name in ("text", "fields", "blocks", "title", "pretext")):
		raise Refused("no_text", "attachment")


def read_message(data):
	shown = Shown("slack")
	text, attachments = data.get("text"), data.get("attachments", [])
	if text is not None:
		if not isinstance(text, str) or len(text) > 40000:
			raise Refused("invalid_payload" if not isinstance(text, str) else "msg_too_long")
	if not text and not attachments and not data.get("blocks"):
		raise Refused("no_text")
	if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
		raise Refused("invalid_attachments")
	if len(attachments) > 100:
		raise Refused("too_many_attachments")
	if "blocks" in data:
		for block in some(data["blocks"], 50, "blocks"):
			shown.blocks.extend(read_block(block))
		shown.title = text or ""	# what a notification shows; the blocks stand in its place
		shown.title_dialect = "slack"
	elif text:
		shown.blocks.append(("text", "slack", text))
	for attachment in attachments:
		read_attachment(attachment, shown)
	return shown


def check(request, robot):
	if request.method != "POST":
		raise Refused("method_not_allowed")
	if not re.fullmatch(r"[^/]+/[^/]+/[^/]+", robot.token):
		raise Refused("no_service")
	if not robot.known:
		raise Refused("invalid_token")
	if not request.is_json() or len(request.body) > BODY_BYTES_MAX:
		raise Refused("invalid_payload")
	try:
		data = verdict.parse_json(request.body)
	except ValueError as error:
		raise Refused("invalid_payload", str(error)) from error
	return read_message(data)


def judge(request, robot, _wall_s, exceeded):
	if exceeded:
		return answer("rate_limited", headers={"Retry-After": "5"})
	try:
		return answer("ok", shown=check(request, robot))
	except Refused as refused:
		found = answer(refused.code)
		found.words += refused.words and ": " + refused.words
		return found
