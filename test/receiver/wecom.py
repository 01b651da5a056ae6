"""
wecom.py: the group robot of WeCom.

	POST /cgi-bin/webhook/send?key=<key>

There is no signature: the key is the credential. Limits are in bytes of UTF-8: 2048 of a text, 4096 of markdown.
Errors are HTTP 200 with an errcode.
"""
import re

import verdict
from verdict import Refused, Shown, Verdict

PATH = re.compile(r"^/cgi-bin/webhook/send$")
BYTES_MAX = {"text": 2048, "markdown": 4096, "markdown_v2": 4096}
LIMITS = ([(20, 60)], 0)
HINT = "hint: [1599360473000000000000000], from ip: 127.0.0.1, more info at " \
	"https://open.work.weixin.qq.com/devtool/query?e=%d"

WORDS = {
	0: "ok",
	-1: "system busy",
	40008: "invalid message type",
	40058: "invalid Request Parameter",
	43002: "require POST method",
	45009: "api freq out of limit",
	93000: "invalid webhook url",
}


def answer(code, words="", shown=None):
	message = WORDS.get(code, "failed")
	if code:
		message = (words + ". " if words else "") + message + ", " + HINT % code
	body = verdict.to_json({"errcode": code, "errmsg": message})
	return Verdict(code, message, code == 0, body=body, shown=shown)


def called(values):
	"""Who the lists of a text call."""
	mentions = []
	for name in ("mentioned_list", "mentioned_mobile_list"):
		people = values.get(name, [])
		if not isinstance(people, list) or not all(verdict.is_text(one) for one in people):
			raise Refused(40058, "text.%s is not a list of names" % name)
		mentions.extend(people)
	return mentions


def read_message(data):
	kind = data.get("msgtype")
	if kind not in BYTES_MAX:
		raise Refused(40008)
	values = data.get(kind)
	content = values.get("content") if isinstance(values, dict) else None
	if not verdict.is_text(content):
		raise Refused(40058, "%s.content missing" % kind)
	if len(content.encode()) > BYTES_MAX[kind]:
		raise Refused(40058, "%s.content exceed max length %d" % (kind, BYTES_MAX[kind]))
	dialect = "plain" if kind == "text" else "wecom"
	return Shown(kind, blocks=[("text", dialect, content)], mentions=called(values) if kind == "text" else [])


def check(request, robot):
	if request.method != "POST":
		raise Refused(43002)
	if not robot.known:
		raise Refused(93000)
	if not request.is_json():
		raise Refused(40008)
	try:
		data = verdict.parse_json(request.body)
	except ValueError as error:
		raise Refused(40008, str(error)) from error
	return read_message(data)


def judge(request, robot, _wall_s, exceeded):
	if exceeded:
		return answer(45009)
	try:
		return answer(0, shown=check(request, robot))
	except Refused as refused:
		return answer(refused.code, refused.words)
