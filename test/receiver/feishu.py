"""
feishu.py: the custom robot of Feishu and Lark, version 2.

	POST /open-apis/bot/v2/hook/<token>

Refuses what the robot refuses, with HTTP 200 and its code. Signed requests hold their timestamp (seconds, as a
string) and signature in the body: base64(HMAC-SHA-256(key = timestamp "\\n" secret, message = "")); the string is the
key, what is signed is empty.
"""
import base64
import hashlib
import hmac
import re

import feishu_card
import verdict
from verdict import Refused, Shown, Verdict

PATH = re.compile(r"^/open-apis/bot/v2/hook/([^/]+)$")
BODY_BYTES_MAX = 20000
SKEW_S_MAX = 3600
LIMITS = ([(5, 1), (100, 60)], 0)

WORDS = {
	0: "success",
	9499: "Bad Request",
	11232: "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]",
	11246: "ErrCode: 200621; ErrMsg: parse card json err",
	19001: "param invalid: incoming webhook access token invalid",
	19021: "sign match fail or timestamp is not within one hour from current time",
	19022: "Ip Not Allowed",
	19024: "Key Words Not Found",
	19036: "message content too large",
}


def sign(secret, timestamp):
	key = ("%s\n%s" % (timestamp, secret)).encode()
	return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def answer(code, words="", shown=None):
	message = words if words.startswith("ErrCode") else WORDS.get(code, "failed") + (words and ": " + words)
	body = {"code": code, "msg": message, "data": {}}
	if code == 0:
		body.update({"StatusCode": 0, "StatusMessage": "success"})
	return Verdict(code, message, code == 0, body=verdict.to_json(body), shown=shown)


def check_signature(data, secret, wall_s):
	stamp, signature = data.get("timestamp"), data.get("sign")
	if not isinstance(stamp, str) or not re.fullmatch(r"[0-9]{1,12}", stamp) or abs(wall_s - int(stamp)) > SKEW_S_MAX:
		raise Refused(19021)
	if not isinstance(signature, str) or not hmac.compare_digest(signature.encode(), sign(secret, stamp).encode()):
		raise Refused(19021)


def read_text(data):
	content = data.get("content")
	if not isinstance(content, dict) or not verdict.is_text(content.get("text")):
		raise Refused(9499, "content.text is missing")
	return Shown("text", blocks=[("text", "feishu", content["text"])])


def post_text(node):
	"""The text of one element of a post, or None."""
	tag = node.get("tag") if isinstance(node, dict) else None
	if tag == "text" and isinstance(node.get("text"), str):
		return node["text"]
	if tag == "a" and isinstance(node.get("text"), str) and verdict.is_url(node.get("href")):
		return "[%s](%s)" % (node["text"], node["href"])
	if tag == "at" and verdict.is_text(node.get("user_id")):
		return "<at id=%s></at>" % node["user_id"]
	return None


def read_post(data):
	content = data.get("content")
	post = content.get("post") if isinstance(content, dict) else None
	language = isinstance(post, dict) and (post.get("zh_cn") or post.get("en_us"))
	if not isinstance(language, dict) or not isinstance(language.get("content"), list):
		raise Refused(9499, "content.post needs zh_cn or en_us")
	lines = []
	for paragraph in language["content"]:
		texts = [post_text(node) for node in paragraph] if isinstance(paragraph, list) else [None]
		if None in texts:
			raise Refused(9499, "content.post has an element that is none")
		lines.append("".join(texts))
	return Shown("post", title=str(language.get("title", "")), blocks=[("text", "lark_md", "\n".join(lines))])


def read_message(data):
	kind = data.get("msg_type")
	if kind == "text":
		return read_text(data)
	if kind == "post":
		return read_post(data)
	if kind == "interactive":
		if not isinstance(data.get("card"), dict):
			raise Refused(9499, "card is missing")
		return feishu_card.read(data["card"])
	raise Refused(9499, "msg_type")


def check(request, robot, wall_s):
	if request.method != "POST" or not request.is_json():
		raise Refused(9499)
	if len(request.body) > BODY_BYTES_MAX:
		raise Refused(9499, "the body exceeds 20 KB")
	if not robot.known:
		raise Refused(19001)
	try:
		data = verdict.parse_json(request.body)
	except ValueError as error:
		raise Refused(9499, str(error)) from error
	if robot.secret:
		check_signature(data, robot.secret, wall_s)
	shown = read_message(data)
	if robot.keyword and robot.keyword not in shown.plain():
		raise Refused(19024)
	return shown


def judge(request, robot, wall_s, exceeded):
	if exceeded:
		return answer(11232)
	try:
		return answer(0, shown=check(request, robot, wall_s))
	except Refused as refused:
		return answer(refused.code, refused.words)
