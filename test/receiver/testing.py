"""
testing.py: what the receiver's own tests share: a receiver that runs for a test class, requests to it, good messages.

Nothing of the receiver's judging is used here but the signatures: those are held against the published vectors.
"""
import copy
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from urllib.parse import quote

HERE = os.path.dirname(os.path.abspath(__file__))
DEADLINE_S = 30
JSON = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "pg_haops/1.0"}
ID = "0123456789abcdef-1"

TEXT = {"msg_type": "text", "content": {"text": "[pg_haops] n1 is gone, id " + ID}}
CARD = {"msg_type": "interactive", "card": {
	"config": {"wide_screen_mode": True, "anything": 1},
	"header": {"template": "red", "title": {"tag": "plain_text", "content": "[pg_haops] n1 is gone"}},
	"elements": [
		{"tag": "div", "text": {"tag": "lark_md", "content": "**n2** leads now <at id=all></at>"}},
		{"tag": "div", "fields": [{"is_short": True, "text": {"tag": "lark_md", "content": "**rule**\nlost"}}]},
		{"tag": "hr"}, {"tag": "markdown", "content": "[a page](https://example.com/x)"},
		{"tag": "action", "actions": [{"tag": "button", "text": {"tag": "plain_text", "content": "Runbook"},
			"url": "https://example.com/run", "type": "default"}]},
		{"tag": "note", "elements": [{"tag": "plain_text", "content": "id " + ID}]}]}}
CARD_2 = {"msg_type": "interactive", "card": {"schema": "2.0", "config": {"update_multi": True},
	"header": {"template": "red", "title": {"tag": "plain_text", "content": "[pg_haops] n1 is gone"}},
	"body": {"elements": [{"tag": "markdown", "content": "id " + ID}, {"tag": "hr"}]}}}
MARKDOWN = {"msgtype": "markdown", "markdown": {"title": "[pg_haops] n1", "text": "### [pg_haops] n1\n> id " + ID}}
WECOM = {"msgtype": "markdown", "markdown": {"content": '<font color="warning">n1</font> id ' + ID}}
SLACK = {"text": "n1 is gone, id " + ID, "attachments": [{"color": "danger", "text": "*n2* leads"}]}
ALERT = {"status": "firing", "labels": {"alertname": "lost", "instance": "n1", "severity": "critical"},
	"annotations": {"summary": "n1 is gone", "id": ID}, "startsAt": "2026-11-23T08:00:00.123Z",
	"endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "0123456789abcdef"}
GROUP = {"version": "4", "groupKey": "{}:{alertname=\"lost\"}", "truncatedAlerts": 0, "status": "firing",
	"receiver": "hook", "groupLabels": {"alertname": "lost"}, "commonLabels": ALERT["labels"],
	"commonAnnotations": ALERT["annotations"], "externalURL": "https://example.com/", "alerts": [ALERT]}


def changed(message, *path, to=None, drop=False):
	"""A copy of a message with one value changed or left out."""
	message = copy.deepcopy(message)
	place = message
	for step in path[:-1]:
		place = place[step]
	if drop:
		del place[path[-1]]
	else:
		place[path[-1]] = to
	return message


class Case(unittest.TestCase):
	"""A test class with a receiver of its own."""

	options = ()

	@classmethod
	def setUpClass(cls):
		cls.dir = tempfile.mkdtemp(prefix="receiver_")
		ready = os.path.join(cls.dir, "ready")
		cls.receiver = subprocess.Popen([sys.executable, os.path.join(HERE, "run"), "--dir", cls.dir,
			"--ready-file", ready, "--with-stdin", *cls.options], stdin=subprocess.PIPE)
		until = time.monotonic() + DEADLINE_S
		while not os.path.exists(ready):
			if time.monotonic() > until or cls.receiver.poll() is not None:
				raise RuntimeError("the receiver does not start")
			time.sleep(0.01)
		with open(ready, encoding="utf-8") as file:
			cls.ready = json.load(file)

	@classmethod
	def tearDownClass(cls):
		mistakes = cls.own("GET", "/counts")["mistakes"]
		cls.receiver.stdin.close()
		status = cls.receiver.wait(DEADLINE_S)
		shutil.rmtree(cls.dir)
		if mistakes or status:
			raise RuntimeError("the receiver made %d mistakes and ended with %d" % (mistakes, status))

	def setUp(self):
		self.control({"clear": "*"})

	@classmethod
	def request(cls, method, target, body=b"", headers=None, timeout=DEADLINE_S):
		"""(status, body, headers) of a request; a body that is no bytes is sent as JSON."""
		if not isinstance(body, bytes):
			body = json.dumps(body).encode()
		connection = http.client.HTTPConnection("127.0.0.1", cls.ready["http"], timeout=timeout)
		try:
			connection.request(method, target, body, JSON if headers is None else headers)
			response = connection.getresponse()
			return response.status, response.read(), response.headers
		finally:
			connection.close()

	@classmethod
	def own(cls, method, target, body=b""):
		status, answer, _ = cls.request(method, target, body)
		if status != 200:
			raise ValueError(answer.decode())
		return json.loads(answer)

	def control(self, *wishes):
		return self.own("POST", "/control", list(wishes))

	def seen(self, channel):
		return self.own("GET", "/seen?channel=" + quote(channel))

	def count(self, channel):
		return self.own("GET", "/counts")["channels"][channel]

	def until(self, condition):
		until = time.monotonic() + DEADLINE_S
		while not condition():
			self.assertLess(time.monotonic(), until, "it does not become true")
			time.sleep(0.01)
