"""
test_faults.py: each way to go wrong, on demand, as often as was asked for; certificates; the receiver's own questions.
"""
import http.client
import json
import shutil
import signal
import socket
import ssl
import time

from testing import DEADLINE_S, GROUP, ID, JSON, MARKDOWN, SLACK, TEXT, WECOM, Case

HOOK = "/open-apis/bot/v2/hook/"


def raw_request(robot):
	body = json.dumps(TEXT)
	head = "POST %s%s HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	return (head % (HOOK, robot, len(body)) + body).encode()


class Faults(Case):
	options = ("--no-limits",)

	def post(self, robot, timeout=DEADLINE_S):
		return self.request("POST", HOOK + robot, TEXT, timeout=timeout)

	def wrong(self, robot, **fault):
		self.control({"channel": "feishu:" + robot, **fault})

	def last(self, robot):
		return self.seen("feishu:" + robot)[-1]

	def test_answer(self):
		self.wrong("a", what="answer", status=502, body="<html>", headers={"X-Y": "z"}, times=2)
		for _ in range(2):
			status, body, headers = self.post("a")
			self.assertEqual((status, body, headers["X-Y"]), (502, b"<html>", "z"))
			self.assertFalse(self.last("a")["taken"])
		self.assertEqual(self.post("other")[0], 200)
		self.assertEqual(self.post("a")[0], 200)
		self.wrong("a", what="answer", body={"StatusCode": 0}, taken=True)
		self.assertEqual(json.loads(self.post("a")[1]), {"StatusCode": 0})
		self.assertTrue(self.last("a")["taken"])
		self.wrong("a", what="answer", status=204)
		self.assertEqual(self.post("a")[:2], (204, b""))

	def test_code(self):
		self.control({"channel": "*", "what": "code", "code": 45009, "times": 2})
		self.assertEqual(json.loads(self.post("b")[1])["code"], 45009)
		self.assertEqual(json.loads(self.request("POST", "/cgi-bin/webhook/send?key=b", WECOM)[1])["errcode"], 45009)
		self.control({"channel": "slack", "what": "code", "code": "no_service"})
		self.assertEqual(self.request("POST", "/services/T/B/b", SLACK)[:2], (404, b"no_service"))
		self.control({"channel": "webhook", "what": "code", "code": 503})
		self.assertEqual(self.request("POST", "/webhook", GROUP)[0], 503)
		self.control({"channel": "dingtalk", "what": "code", "code": -1})
		self.assertEqual(json.loads(self.request("POST", "/robot/send?access_token=b", MARKDOWN)[1])["errcode"], -1)

	def test_percent(self):
		self.wrong("c", what="answer", status=500, percent=30)
		bad = sum(self.post("c")[0] == 500 for _ in range(200))
		self.assertTrue(30 < bad < 90, bad)

	def test_seconds(self):
		self.wrong("d", what="answer", status=500, seconds=0.3)
		begun = time.monotonic()
		self.assertEqual(self.post("d")[0], 500)
		self.until(lambda: time.monotonic() - begun > 0.35)
		self.assertEqual(self.post("d")[0], 200)

	def test_redirect_and_delay(self):
		self.wrong("e", what="redirect", location="http://169.254.169.254/")
		status, _, headers = self.post("e")
		self.assertEqual((status, headers["Location"]), (302, "http://169.254.169.254/"))
		self.wrong("e", what="delay", delay_s=0.3)
		begun = time.monotonic()
		self.assertEqual(self.post("e")[0], 200)
		self.assertGreater(time.monotonic() - begun, 0.29)

	def test_silence(self):
		self.wrong("f", what="nothing")
		with self.assertRaises(TimeoutError):
			self.post("f", timeout=0.3)
		self.assertFalse(self.last("f")["taken"])
		for what, taken in (("drop_before", False), ("drop_after", True)):
			self.wrong("f", what=what)
			with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
				self.post("f")
			self.assertEqual(self.last("f")["taken"], taken)

	def raw(self, robot):
		"""A connection on which a request was sent, and its answer not read yet."""
		client = socket.create_connection(("127.0.0.1", self.ready["http"]), DEADLINE_S)
		client.sendall(raw_request(robot))
		return client

	def test_truncated(self):
		self.wrong("g", what="truncated")
		with self.assertRaises(http.client.IncompleteRead):
			self.post("g")
		self.assertTrue(self.last("g")["taken"])

	def test_drip(self):
		self.wrong("h", what="drip")
		with self.raw("h") as client:
			begun, data = time.monotonic(), b""
			while len(data.partition(b"\r\n\r\n")[2]) < 3:
				data += client.recv(1)
			self.assertGreater(time.monotonic() - begun, 1.9)

	def test_endless(self):
		self.wrong("i", what="endless")
		with self.raw("i") as client:
			data = 0
			while data < 3_000_000:
				data += len(client.recv(65536))

	def test_connections(self):
		self.control({"channel": "tcp:smtp", "what": "refuse"}, {"channel": "tcp:https", "what": "black_hole"})
		with socket.create_connection(("127.0.0.1", self.ready["smtp"]), DEADLINE_S) as client:
			self.assertEqual(client.recv(100), b"")
		with socket.create_connection(("127.0.0.1", self.ready["https"]), 0.3) as client:
			with self.assertRaises(TimeoutError):
				ssl.create_default_context().wrap_socket(client, server_hostname="localhost")

	def secure(self, name="127.0.0.1"):
		context = ssl.create_default_context(cafile=self.ready["ca_file"])
		connection = http.client.HTTPSConnection(name, self.ready["https"], timeout=DEADLINE_S, context=context)
		try:
			connection.request("POST", HOOK + "tls", json.dumps(TEXT), JSON)
			return connection.getresponse().status
		finally:
			connection.close()

	def test_certificates(self):
		self.assertEqual((self.secure(), self.secure("localhost")), (200, 200))
		for name, words in (("expired", "expired"), ("wrong_name", "mismatch"), ("self_signed", "self.signed")):
			self.control({"certificate": name})
			with self.assertRaisesRegex(ssl.SSLCertVerificationError, words):
				self.secure()
		self.control({"certificate": "good"})
		self.assertEqual(self.secure(), 200)

	def test_control_refuses(self):
		for wish in ({"channel": "feishu", "what": "explode"}, {"what": "nothing"}, {"certificate": "best"},
				{"set": "feishu", "colour": "red"}, {"set": "feishu", "limits": 5},
				{"channel": "tcp:http", "what": "drip"}):
			with self.assertRaises(ValueError):
				self.control(wish)
		self.assertEqual(self.request("POST", "/control", b"{")[0], 400)
		self.assertEqual(self.request("GET", "/elsewhere")[0], 404)

	def test_keeps_connections(self):
		connection = http.client.HTTPConnection("127.0.0.1", self.ready["http"], timeout=DEADLINE_S)
		before = self.own("GET", "/counts")["connections"]["http"]
		for _ in range(3):
			connection.request("POST", HOOK + "keep", json.dumps(TEXT), JSON)
			self.assertEqual(json.loads(connection.getresponse().read())["code"], 0)
		self.assertEqual(self.own("GET", "/counts")["connections"]["http"], before + 2)
		connection.close()

	def test_no_http(self):
		for text in (b"hello\r\n\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
				b"GET / HTTP/2.0\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
				b"GET / HTTP/1.1\r\nA: 1\r\nA: 2\r\n\r\n"):
			with socket.create_connection(("127.0.0.1", self.ready["http"]), DEADLINE_S) as client:
				client.sendall(text)
				self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 400"), text)

	def test_records(self):
		for _ in range(2):
			self.post("j")
		with open(self.ready["requests"], encoding="utf-8") as file:
			lines = [json.loads(line) for line in file]
		mine = [line for line in lines if line["channel"] == "feishu:j"]
		self.assertEqual(mine, self.seen("feishu:j"))
		self.assertEqual([line["ids"] for line in mine], [[ID]] * 2)
		self.assertEqual(json.loads(mine[0]["body"]), TEXT)
		self.assertLessEqual(mine[0]["mono_s"], mine[1]["mono_s"])
		self.assertEqual(self.own("GET", "/seen?channel=feishu:j&since=%d" % mine[0]["n"]), mine[1:])
		again = self.own("GET", "/counts")["taken_again"]
		self.assertIn({"channel": "feishu:j", "id": ID, "taken": 2}, again)


class Ends(Case):
	def test_hanging_clients(self):
		"""What hangs holds up neither others nor the end, which the class waits for."""
		self.control({"channel": "feishu", "what": "nothing", "times": 5})
		for _ in range(5):
			client = socket.create_connection(("127.0.0.1", self.ready["http"]), DEADLINE_S)
			self.addCleanup(client.close)
			client.sendall(raw_request("x"))
		self.until(lambda: len(self.seen("feishu")) == 5)
		self.assertEqual(json.loads(self.request("POST", HOOK + "y", TEXT)[1])["code"], 0)

	def test_terminated(self):
		self.receiver.send_signal(signal.SIGTERM)
		self.assertEqual(self.receiver.wait(DEADLINE_S), 0)
		shutil.rmtree(self.dir)
		type(self).setUpClass()
