"""
dingtalk.py: the custom robot of DingTalk.

	POST /robot/send?access_token=<token>[&timestamp=<milliseconds>&sign=<signature>]

The signature is base64(HMAC-SHA-256(key = secret, message = timestamp "\\n" secret)), percent-encoded. Errors are HTTP
200 with an errcode; above 20 requests a minute the robot takes nothing for ten minutes, and the gateway's answer then
has no errcode at all.
"""
import base64
import hashlib
import hmac
import re
from urllib.parse import unquote

import verdict
from verdict import Refused, Shown, Verdict

PATH = re.compile(r"^/robot/send$")
BODY_BYTES_MAX = 20000
SKEW_MS_MAX = 3600 * 1000
LIMITS = ([(20, 60)], 600)
MORE = ", more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"

WORDS = {
	0: "ok",
	-1: "system busy",
	40035: "invalid parameter, miss param",
	43002: "require POST",
	43004: "invalid content type, only application/json is supported",
	130101: "send too fast, exceed 20 times per minute",
	300005: "token is not exist",
	310000: "keywords not in content",
	400105: "unsupported msgtype",
	410100: "send too fast, exceed 20 times per minute",
	460101: "message too long, exceed 20000 bytes",
}
PUNISHED = {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "2f8e8d2c1a0b4b5f9e6d7c8b9a0f1e2d"}


def sign(secret, timestamp):
	"""The signature before it is percent-encoded."""
	message = ("%s\n%s" % (timestamp, secret)).encode()
	return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def answer(code, words="", shown=None):
	message = words if words and code == 310000 else WORDS.get(code, "failed") + (words and ": " + words)
	body = verdict.to_json({"errcode": code, "errmsg": message})
	return Verdict(code, message, code == 0, body=body, shown=shown)


def check_signature(request, secret, wall_s):
	stamp, signature = request.raw_query.get("timestamp"), request.raw_query.get("sign")
	if stamp is None or signature is None:
		raise Refused(310000, "sign not match" + MORE)
	if not re.fullmatch(r"[0-9]{12,14}", stamp) or abs(wall_s * 1000 - int(stamp)) > SKEW_MS_MAX:
		raise Refused(310000, "invalid timestamp" + MORE)
	right = sign(secret, stamp).encode()
	if re.search(r"[+/=]", signature) or not hmac.compare_digest(unquote(signature).encode(), right):
		raise Refused(310000, "sign not match" + MORE)


def wanted(data, part, *names):
	"""The named texts of data[part], all of which there must be."""
	values = data.get(part)
	for name in names:
		if not isinstance(values, dict) or not verdict.is_text(values.get(name)):
			raise Refused(40035, "%s->%s" % (part, name))
	return [values[name] for name in names]


def read_buttons(card):
	if "btns" in card:
		buttons = card["btns"]
		if not isinstance(buttons, list) or not buttons:
			raise Refused(40035, "actionCard->btns")
		pairs = [(one.get("title"), one.get("actionURL")) if isinstance(one, dict) else (None, None) for one in buttons]
	else:
		pairs = [(card.get("singleTitle"), card.get("singleURL"))]
	if not all(verdict.is_text(title) and verdict.is_url(url) for title, url in pairs):
		raise Refused(40035, "actionCard->singleURL")
	return pairs


def read_message(data):
	kind = data.get("msgtype")
	if kind == "text":
		return Shown(kind, blocks=[("text", "plain", wanted(data, kind, "content")[0])])
	if kind == "markdown":
		title, text = wanted(data, kind, "title", "text")
		return Shown(kind, title=title, blocks=[("text", "dingtalk", text)])
	if kind == "link":
		title, text, url = wanted(data, kind, "title", "text", "messageUrl")
		return Shown(kind, title=title, blocks=[("text", "plain", text), ("buttons", [(title, url)])])
	if kind == "actionCard":
		title, text = wanted(data, kind, "title", "text")
		return Shown(kind, title=title, blocks=[("text", "dingtalk", text), ("buttons", read_buttons(data[kind]))])
	raise Refused(400105 if verdict.is_text(kind) else 40035, str(kind))


def called(data, text):
	"""Who is called: an @ needs both the list and the text."""
	at = data.get("at", {})
	if not isinstance(at, dict) or not isinstance(at.get("isAtAll", False), bool):
		raise Refused(40035, "at")
	mentions = ["all"] if at.get("isAtAll") else []
	for name in ("atMobiles", "atUserIds"):
		people = at.get(name, [])
		if not isinstance(people, list) or not all(verdict.is_text(one) for one in people):
			raise Refused(40035, "at->%s" % name)
		if name == "atMobiles" and not all(re.fullmatch(r"[0-9+-]+", one) for one in people):
			raise Refused(40035, "at->atMobiles")
		mentions.extend(one for one in people if "@" + one in text)
	return mentions


def check(request, robot, wall_s):
	if request.method != "POST":
		raise Refused(43002)
	if not request.is_json():
		raise Refused(43004)
	if not robot.known:
		raise Refused(300005)
	if robot.secret:
		check_signature(request, robot.secret, wall_s)
	if len(request.body) > BODY_BYTES_MAX:
		raise Refused(460101)
	try:
		data = verdict.parse_json(request.body)
	except ValueError as error:
		raise Refused(40035, "json: %s" % error) from error
	shown = read_message(data)
	shown.mentions = called(data, shown.plain())
	if robot.keyword and robot.keyword not in shown.plain():
		raise Refused(310000, "keywords not in content" + MORE)
	return shown


def judge(request, robot, wall_s, exceeded):
	if exceeded == "punished":
		return Verdict(1111, "punished", body=verdict.to_json(PUNISHED))
	if exceeded:
		return answer(130101)
	try:
		return answer(0, shown=check(request, robot, wall_s))
	except Refused as refused:
		return answer(refused.code, refused.words)
