"""
test_page.py: the page shows messages as people see them, and nothing that came in reaches it but as text.
"""
import unittest

import markup
from testing import CARD, GROUP, MARKDOWN, SLACK, TEXT, WECOM, Case, changed

NASTY = "<script>x</script> [x](javascript:y) <javascript:z|w> <at id=all></at> <!channel> \"' & \U0001f600"


class Page(Case):
	options = ("--no-limits",)

	def page(self, query=""):
		status, body, headers = self.request("GET", "/" + query)
		self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
		return body.decode()

	def test_shows(self):
		self.assertIn("Nothing has arrived yet", self.page("?channel=feishu:none"))
		for target, message in (("/open-apis/bot/v2/hook/a", CARD), ("/robot/send?access_token=a", MARKDOWN),
				("/cgi-bin/webhook/send?key=a", WECOM), ("/services/T/B/a", SLACK), ("/webhook/a", GROUP)):
			self.request("POST", target, message)
		page = self.page()
		for part in ("飞书", "钉钉", "企业微信", "Slack", "Alertmanager", "background: #f54a45", "<b>n2</b> leads now",
				'<a class="button" href="https://example.com/run">Runbook</a>',
				'<a href="https://example.com/x">a page</a>',
				'<div class="h h3">', '<span class="font-warning">n1</span>', "border-left-color: #a30200"):
			self.assertIn(part, page)
		self.assertNotIn("飞书", self.page("?channel=wecom"))
		self.assertEqual(self.page("?n=1").count('class="row"'), 1)

	def test_refused_is_not_shown(self):
		self.request("POST", "/open-apis/bot/v2/hook/b", changed(TEXT, "content", "text", to="kept"))
		self.control({"channel": "feishu:b", "what": "answer", "status": 500})
		self.request("POST", "/open-apis/bot/v2/hook/b", changed(TEXT, "content", "text", to="gone"))
		page = self.page("?channel=feishu:b")
		self.assertTrue("kept" in page and "gone" not in page)

	def test_nothing_slips_through(self):
		for target, message in (
				("/open-apis/bot/v2/hook/c", changed(CARD, "card", "elements", 0, "text", "content", to=NASTY)),
				("/robot/send?access_token=c", changed(MARKDOWN, "markdown", "text", to=NASTY)),
				("/cgi-bin/webhook/send?key=c", changed(WECOM, "markdown", "content", to=NASTY)),
				("/services/T/B/c", changed(SLACK, "text", to=NASTY)),
				("/open-apis/bot/v2/hook/c", changed(CARD, "card", "header", "title", "content", to=NASTY))):
			self.request("POST", target, message)
			page = self.page("?last=1")
			self.assertNotIn("<script>", page)
			self.assertNotIn('href="javascript', page)


class Markup(unittest.TestCase):
	def test_mentions(self):
		self.assertEqual(markup.mentions("lark_md", "<at id=all></at> <at id=ou_1>x</at>"), ["all", "ou_1"])
		self.assertEqual(markup.mentions("feishu", '<at user_id="all">all</at> <at id=x></at>'), ["all"])
		self.assertEqual(markup.mentions("wecom", "<@lee> @all"), ["lee"])
		self.assertEqual(markup.mentions("slack", "<@U1> <!here> @all &lt;!channel&gt;"), ["@U1", "!here"])
		self.assertEqual(markup.mentions("plain", "<at id=all></at>"), [])
		self.assertEqual(markup.mentions("lark_md", "&lt;at id=all&gt;&lt;/at&gt;"), [])

	def test_links(self):
		self.assertEqual(markup.links("lark_md", "[a](javascript:x) ![b](c) <a href='d'>e</a>"),
			["javascript:x", "c", "d"])
		self.assertEqual(markup.links("dingtalk", r"[a](b) \[c](d) [e\](f)"), ["b"])
		self.assertEqual(markup.links("slack", "<https://x|y> &lt;https://z&gt;"), ["https://x"])
		self.assertEqual(markup.links("plain", "[a](b)"), [])
