"""
test_robots.py: each vendor's good message is taken, and each way to be refused is refused with the vendor's code.
"""
import email.utils
import json
import time
import unittest
from urllib.parse import quote

import dingtalk
import feishu
from testing import ALERT, CARD, CARD_2, GROUP, ID, JSON, MARKDOWN, SLACK, TEXT, WECOM, Case, changed

ELEMENTS = ("card", "elements")
BODY_2 = ("card", "body", "elements")


class Vectors(unittest.TestCase):
	def test_feishu(self):
		self.assertEqual(feishu.sign("demo", "100"), "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg=")
		self.assertEqual(feishu.sign("demo", "1599360473"), "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=")

	def test_dingtalk(self):
		signature = dingtalk.sign("SECdemo", "1599360473000")
		self.assertEqual(signature, "tGWkA5eQOQNCNPDgphtxIoNLO+/gD8Lcb705KQoRzeY=")
		self.assertIn("LO%2B%2FgD8", quote(signature, safe=""))


class Robots(Case):
	options = ("--no-limits",)

	def code(self, target, message, headers=None, method="POST"):
		"""The code in the body of an answer that is always HTTP 200."""
		status, body, _ = self.request(method, target, message, headers)
		self.assertEqual(status, 200)
		answer = json.loads(body)
		return answer["code"] if "code" in answer else answer["errcode"]

	def words(self, target, message):
		return json.loads(self.request("POST", target, message)[1]).get("errmsg")

	# ---- Feishu ----

	hook = "/open-apis/bot/v2/hook/plain"

	def feishu(self, message, **more):
		return self.code(self.hook, message, **more)

	def test_feishu_takes(self):
		for message in (TEXT, CARD, CARD_2):
			self.assertEqual(self.feishu(message), 0)
			self.assertEqual(self.seen("feishu:plain")[-1]["ids"], [ID])
		answer = json.loads(self.request("POST", self.hook, CARD)[1])
		self.assertEqual((answer["msg"], answer["StatusCode"], answer["StatusMessage"]), ("success", 0, "success"))
		last = self.seen("feishu:plain")[-1]
		self.assertEqual((last["colour"], last["mentions"], last["links"], last["buttons"], last["taken"]),
			("red", ["all"], ["https://example.com/x"], ["https://example.com/run"], True))
		post = {"zh_cn": {"title": "t", "content": [[{"tag": "text", "text": "x"}]]}}
		self.assertEqual(self.feishu({"msg_type": "post", "content": {"post": post}}), 0)

	def test_feishu_form(self):
		self.assertEqual(self.feishu(b"", method="GET"), 9499)
		self.assertEqual(self.feishu(TEXT, headers={"Content-Type": "text/plain"}), 9499)
		for body in (b"", b"{", b"[]", json.dumps(TEXT).replace("{", '{"msg_type":"text",', 1).encode(),
				json.dumps({**TEXT, "more": float("nan")}).encode(), b'{"msg_type":"text","content":{"text":"\xff"}}',
				b'{"msg_type":"text","content":{"text":"a\nb"}}', b'{"msg_type":"text","content":{"text":"\\ud800"}}'):
			self.assertEqual(self.feishu(body), 9499, body)
		for message in (changed(TEXT, "content", "text", to=""), changed(TEXT, "msg_type", to="texts"),
				changed(CARD, "card", drop=True), changed(TEXT, "content", "text", to=5)):
			self.assertEqual(self.feishu(message), 9499, message)

	def test_feishu_size(self):
		empty = len(json.dumps(changed(TEXT, "content", "text", to="")))
		self.assertEqual(self.feishu(changed(TEXT, "content", "text", to="x" * (20000 - empty))), 0)
		self.assertEqual(self.feishu(changed(TEXT, "content", "text", to="x" * (20001 - empty))), 9499)

	def test_feishu_card(self):
		button = ELEMENTS + (4, "actions", 0)
		for message in (changed(CARD, *ELEMENTS, to=[]), changed(CARD, *ELEMENTS, 2, "tag", to="line"),
				changed(CARD, *ELEMENTS, 0, "text", "content", to=""), changed(CARD, *ELEMENTS, 0, "text", drop=True),
				changed(CARD, *ELEMENTS, 0, "text", "tag", to="markdown"),
				changed(CARD, *ELEMENTS, 1, "fields", 0, "is_short", to="yes"),
				changed(CARD, *button, "tag", to="link"), changed(CARD, *button, "url", to="javascript:x"),
				changed(CARD, *button, "value", to={}), changed(CARD, *ELEMENTS, 5, "elements", to=[]),
				changed(CARD, "card", "header", "template", to="black"), changed(CARD, "card", "header", drop=True),
				changed(CARD, "card", "header", "title", to="t")):
			self.assertEqual(self.feishu(message), 11246, message)

	def test_feishu_card_2(self):
		for message in (changed(CARD_2, "card", "extra", to=1), changed(CARD_2, *BODY_2, 0, "href", to={}),
				changed(CARD_2, *BODY_2, 0, "tag", to="note"), changed(CARD_2, "card", "schema", to="3.0"),
				changed(CARD_2, "card", "config", "update_multi", to=False), changed(CARD_2, "card", "body", drop=True),
				changed(CARD_2, "card", "config", "wide_screen_mode", to=True),
				changed(CARD_2, "card", "header", "colour", to="red")):
			self.assertEqual(self.feishu(message), 11246, message)

	def test_feishu_signature(self):
		self.control({"set": "feishu:signed", "secret": "demo"})

		def code(stamp, secret="demo", **values):
			return self.code("/open-apis/bot/v2/hook/signed",
				{**TEXT, "timestamp": str(stamp), "sign": feishu.sign(secret, stamp), **values})
		now = int(time.time())
		self.assertEqual([code(now), code(now - 3590), code(now + 3590)], [0, 0, 0])
		self.assertEqual([code(now - 3605), code(now + 3605), code(now, "wrong"), code(now, timestamp=now),
			code(now, sign=None), code(now * 1000)], [19021] * 6)
		self.assertEqual(self.code("/open-apis/bot/v2/hook/signed", TEXT), 19021)

	def test_feishu_keyword_and_token(self):
		self.control({"set": "feishu:key", "keyword": "gone"}, {"set": "feishu:lost", "known": False})
		self.assertEqual(self.code("/open-apis/bot/v2/hook/key", TEXT), 0)
		self.assertEqual(self.code("/open-apis/bot/v2/hook/key", changed(TEXT, "content", "text", to="back")), 19024)
		self.assertEqual(self.code("/open-apis/bot/v2/hook/lost", TEXT), 19001)

	def test_clock(self):
		self.control({"set": "feishu:ahead", "clock_s": 7200, "secret": "demo"})
		now = int(time.time())
		message = {**TEXT, "timestamp": str(now), "sign": feishu.sign("demo", now)}
		self.assertEqual(self.code("/open-apis/bot/v2/hook/ahead", message), 19021)
		_, _, headers = self.request("POST", "/open-apis/bot/v2/hook/ahead", message)
		there = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
		self.assertAlmostEqual(there - now, 7200, delta=5)

	# ---- DingTalk ----

	ding = "/robot/send?access_token=plain"

	def test_dingtalk_takes(self):
		card = {"msgtype": "actionCard", "actionCard": {"title": "t", "text": "x", "singleTitle": "go",
			"singleURL": "https://example.com/"}}
		for message in (MARKDOWN, {"msgtype": "text", "text": {"content": "x " + ID}}, card):
			self.assertEqual(self.code(self.ding, message), 0)
		self.code(self.ding, {**changed(MARKDOWN, "markdown", "text", to="x @13800000000"),
			"at": {"atMobiles": ["13800000000", "13900000000"], "isAtAll": True}})
		self.assertEqual(self.seen("dingtalk:plain")[-1]["mentions"], ["all", "13800000000"])

	def test_dingtalk_refuses(self):
		self.assertEqual(self.code(self.ding, b"", method="GET"), 43002)
		self.assertEqual(self.code(self.ding, MARKDOWN, headers={"Content-Type": "text/plain"}), 43004)
		self.assertEqual(self.code("/robot/send", MARKDOWN), 300005)
		self.assertEqual(self.code(self.ding, changed(MARKDOWN, "msgtype", to="card")), 400105)
		for message in (b"{", changed(MARKDOWN, "markdown", "title", drop=True),
				changed(MARKDOWN, "markdown", "text", to=""), {**MARKDOWN, "at": {"atMobiles": "1"}},
				{**MARKDOWN, "at": {"isAtAll": "true"}}):
			self.assertEqual(self.code(self.ding, message), 40035, message)
		self.assertEqual(self.code(self.ding, changed(MARKDOWN, "markdown", "text", to="x" * 20000)), 460101)

	def test_dingtalk_security(self):
		self.control({"set": "dingtalk:s", "secret": "SECdemo"}, {"set": "dingtalk:k", "keyword": "pg_haops"})
		now = int(time.time() * 1000)

		def words(stamp, signature):
			return self.words("/robot/send?access_token=s&timestamp=%s&sign=%s" % (stamp, signature), MARKDOWN)

		def signed(stamp, secret="SECdemo"):
			return quote(dingtalk.sign(secret, stamp), safe="")
		self.assertEqual(words(now, signed(now)), "ok")
		plus = next(stamp for stamp in range(now, now + 1000) if set("+/") & set(dingtalk.sign("SECdemo", stamp)))
		self.assertRegex(words(plus, dingtalk.sign("SECdemo", plus)), "^sign not match")
		self.assertRegex(words(now, signed(now, "wrong")), "^sign not match")
		self.assertRegex(words(now - 3605000, signed(now - 3605000)), "^invalid timestamp")
		self.assertRegex(words(now // 1000, signed(now // 1000)), "^invalid timestamp")
		self.assertRegex(self.words("/robot/send?access_token=s", MARKDOWN), "^sign not match")
		self.assertEqual(self.words("/robot/send?access_token=k", MARKDOWN), "ok")
		self.assertRegex(self.words("/robot/send?access_token=k", {"msgtype": "text", "text": {"content": "x"}}),
			"^keywords not in content")

	# ---- WeCom ----

	def test_wecom(self):
		def code(message, **more):
			return self.code("/cgi-bin/webhook/send?key=plain", message, **more)
		text = {"msgtype": "text", "text": {"content": "x" * 2048, "mentioned_list": ["@all"]}}
		self.assertEqual([code(WECOM), code(text)], [0, 0])
		self.assertEqual(self.seen("wecom:plain")[-1]["mentions"], ["@all"])
		self.assertEqual(code(changed(WECOM, "markdown", "content", to="数" * 1365)), 0)
		for message in (changed(WECOM, "markdown", "content", to="数" * 1366),
				changed(text, "text", "content", to="x" * 2049), changed(WECOM, "markdown", "content", to=""),
				changed(text, "text", "mentioned_list", to="@all")):
			self.assertEqual(code(message), 40058)
		self.assertEqual([code(changed(WECOM, "msgtype", to="x")), code(b"{"), code(WECOM, headers={})], [40008] * 3)
		self.assertEqual(code(b"", method="GET"), 43002)
		self.assertEqual(self.code("/cgi-bin/webhook/send?key=", WECOM), 93000)

	# ---- Slack ----

	def test_slack(self):
		def said(message, target="/services/T0/B0/plain", **more):
			status, body, headers = self.request("POST", target, message, **more)
			self.assertTrue(headers["Content-Type"].startswith("text/plain"))
			return status, body.decode()
		text = {"type": "mrkdwn", "text": "<!channel> <https://e.co|x>"}
		blocks = {"text": "x", "blocks": [{"type": "section", "text": text}]}
		self.assertEqual([said(SLACK), said(blocks)], [(200, "ok")] * 2)
		last = self.seen("slack")[-1]
		self.assertEqual((last["mentions"], last["links"]), (["!channel"], ["https://e.co"]))
		self.assertEqual([said(b"{"), said(SLACK, headers={"Content-Type": "text/plain"}), said({"text": 5})],
			[(400, "invalid_payload")] * 3)
		self.assertEqual([said({}), said({"attachments": [{}]})], [(400, "no_text")] * 2)
		self.assertEqual(said(changed(blocks, "blocks", 0, "text", "text", to="x" * 3001)), (400, "invalid_blocks"))
		self.assertEqual(said(changed(SLACK, "attachments", 0, "color", to="pink")), (400, "invalid_attachments"))
		self.assertEqual(said(SLACK, "/services/T0"), (404, "no_service"))
		self.control({"set": "slack:T0/B0/gone", "known": False})
		self.assertEqual(said(SLACK, "/services/T0/B0/gone"), (403, "invalid_token"))

	# ---- Alertmanager's webhook ----

	def test_webhook_takes(self):
		self.assertEqual(self.request("POST", "/webhook", GROUP)[0], 200)
		self.assertEqual(self.seen("webhook")[-1]["ids"], [ID])
		ended = {**ALERT, "status": "resolved", "endsAt": "2026-11-23T10:00:00+02:00",
			"startsAt": "2026-11-23T08:00:00Z"}
		group = {**GROUP, "status": "resolved", "alerts": [ended], "notification_reason": "all alerts resolved"}
		self.assertEqual(self.request("POST", "/webhook/b", group)[:2], (200, b"ok"))

	def test_webhook_refuses(self):
		two = {**GROUP, "alerts": [ALERT, {**ALERT, "labels": {"alertname": "lost"}, "fingerprint": "f" * 16}]}
		messages = [b"{", changed(GROUP, "version", to="1"), changed(GROUP, "groupKey", to=""), {**GROUP, "more": 1},
			changed(GROUP, "truncatedAlerts", to="0"), changed(GROUP, "truncatedAlerts", to=True),
			changed(GROUP, "status", to="resolved"), changed(GROUP, "alerts", to=[]),
			{**GROUP, "notification_reason": "x"},
			changed(GROUP, "groupLabels", to={"alertname": "other"}), changed(GROUP, "commonLabels", to={}), two,
			changed(GROUP, "commonLabels", to={"alertname": "lost"}),
			changed(GROUP, "commonAnnotations", to={}), changed(GROUP, "externalURL", to="file:///x"),
			{**GROUP, "alerts": [ALERT, ALERT]}]
		messages.extend(changed(GROUP, name, drop=True) for name in GROUP)
		messages.extend(changed(GROUP, "alerts", 0, name, drop=True) for name in ALERT)
		messages.extend(changed(GROUP, "alerts", 0, name, to=value) for name, value in (
			("startsAt", "2026-11-23 08:00:00"), ("startsAt", "2026-13-23T08:00:00Z"),
			("startsAt", "0001-01-01T00:00:00Z"), ("endsAt", "2026-11-23T08:00:01Z"), ("endsAt", ""),
			("status", "pending"), ("fingerprint", "0123"),
			("labels", {"alertname": "lost", "a-b": "c"}), ("labels", {"severity": "x"}), ("annotations", {"a": 1})))
		for message in messages:
			status, words, _ = self.request("POST", "/webhook", message)
			self.assertEqual(status, 400, message)
			self.assertTrue(words)
		self.assertEqual(self.request("POST", "/webhook", GROUP, {"Content-Type": "application/json"})[0], 400)
		self.assertEqual(self.request("GET", "/webhook", b"", JSON)[0], 400)

	def test_nobody(self):
		self.assertEqual(self.request("POST", "/open-apis/bot/v2/hook/", TEXT)[0], 404)


class Limited(Case):
	"""The limits as the vendors have them; windows are made shorter where a test would have to wait."""

	def codes(self, target, message, times):
		return [json.loads(self.request("POST", target, message)[1]) for _ in range(times)]

	def test_feishu(self):
		codes = self.codes("/open-apis/bot/v2/hook/a", TEXT, 7)
		self.assertEqual([one["code"] for one in codes], [0] * 5 + [11232] * 2)
		self.assertEqual(self.codes("/open-apis/bot/v2/hook/b", TEXT, 1)[0]["code"], 0)
		count = self.count("feishu:a")
		self.assertEqual((count["limit_exceeded"], count["taken"], count["ids"], count["duplicates"]), (2, 5, 1, 4))

	def test_window(self):
		self.control({"set": "feishu:c", "limits": [[2, 0.3], [100, 60]]})
		self.assertEqual([one["code"] for one in self.codes("/open-apis/bot/v2/hook/c", TEXT, 3)], [0, 0, 11232])
		begun = time.monotonic()
		self.until(lambda: time.monotonic() - begun > 0.35)
		self.assertEqual(self.codes("/open-apis/bot/v2/hook/c", TEXT, 1)[0]["code"], 0)

	def test_dingtalk(self):
		codes = self.codes("/robot/send?access_token=a", MARKDOWN, 22)
		self.assertEqual([one.get("errcode") for one in codes], [0] * 20 + [130101, None])
		self.assertEqual((codes[21]["status"], codes[21]["punish"]), (1111, "deny"))
		self.assertEqual(self.count("dingtalk:a")["punished"], 1)

	def test_wecom_and_slack(self):
		codes = self.codes("/cgi-bin/webhook/send?key=a", WECOM, 21)
		self.assertEqual([one["errcode"] for one in codes], [0] * 20 + [45009])
		answers = [self.request("POST", "/services/T/B/a", SLACK) for _ in range(6)]
		self.assertEqual([one[0] for one in answers], [200] * 5 + [429])
		self.assertTrue(int(answers[5][2]["Retry-After"]) > 0)


class Options(Case):
	options = ("--secret-feishu", "demo", "--keyword", "pg_haops", "--token", "known", "--no-limits")

	def test_options(self):
		now = int(time.time())

		def code(token, text):
			message = {"msg_type": "text", "content": {"text": text}, "timestamp": str(now),
				"sign": feishu.sign("demo", now)}
			return json.loads(self.request("POST", "/open-apis/bot/v2/hook/" + token, message)[1])["code"]
		self.assertEqual([code("known", "pg_haops"), code("known", "x"), code("other", "pg_haops")], [0, 19024, 19001])
