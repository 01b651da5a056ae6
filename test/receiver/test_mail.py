"""
test_mail.py: the mail server: TLS, logins, recipients that are refused, and what makes a letter ill-formed.
"""
import base64
import smtplib
import socket
import ssl

from testing import DEADLINE_S, ID, Case

GOOD = {
	"Date": "Mon, 23 Nov 2026 08:00:00 +0000", "From": "pg_haops <db@example.com>",
	"To": "<a@example.com>, b@example.com",
	"Subject": "=?UTF-8?B?" + base64.b64encode("[pg_haops] n1 失联".encode()).decode() + "?=",
	"Message-ID": "<%s@prod>" % ID, "References": "<0123456789abcdef@prod>", "MIME-Version": "1.0",
	"Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "base64"}


def letter(text="n1 is gone\r\n.\r\nid " + ID, **changes):
	headers = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
	body = base64.encodebytes(text.encode()).decode().replace("\n", "\r\n")
	return "".join("%s: %s\r\n" % pair for pair in headers.items() if pair[1] is not None) + "\r\n" + body


class Mail(Case):
	options = ("--mail-user", "db:pa55")

	def context(self):
		return ssl.create_default_context(cafile=self.ready["ca_file"])

	def client(self, user="db", password="pa55"):
		client = smtplib.SMTP("localhost", self.ready["smtp"], timeout=DEADLINE_S)
		self.addCleanup(client.close)
		client.starttls(context=self.context())
		client.login(user, password)
		return client

	def send(self, data, to=("a@example.com",)):
		"""The last code of a mail; refused recipients in self.refused."""
		client = self.client()
		try:
			self.refused = client.sendmail("db@example.com", list(to), data.encode("latin-1"))
			client.quit()
			return 250
		except smtplib.SMTPDataError as error:
			return error.smtp_code

	def test_takes(self):
		self.assertEqual(self.send(letter()), 250)
		last = self.seen("mail")[-1]
		self.assertEqual(last["mail"]["Subject"], "[pg_haops] n1 失联")
		self.assertEqual(last["text"].split("\n"), ["[pg_haops] n1 失联", "n1 is gone", ".", "id " + ID])
		self.assertEqual((last["ids"], last["to"], last["user"], last["port"]), ([ID], ["a@example.com"], "db", "smtp"))

	def test_dots(self):
		line = letter() + ".\r\n..two\r\n"
		self.assertEqual(self.send(line), 554)		# not base64 any more, but it arrived as it was
		self.assertTrue(self.seen("mail")[-1]["body"].endswith("\r\n.\r\n..two\r\n"))

	def test_implicit_tls(self):
		client = smtplib.SMTP_SSL("127.0.0.1", self.ready["smtps"], timeout=DEADLINE_S, context=self.context())
		client.login("db", "pa55")
		client.sendmail("db@example.com", ["a@example.com"], letter().encode())
		client.quit()
		self.assertEqual(self.seen("mail")[-1]["port"], "smtps")

	def test_login(self):
		with self.assertRaises(smtplib.SMTPAuthenticationError):
			self.client(password="wrong")
		client = smtplib.SMTP("localhost", self.ready["smtp"], timeout=DEADLINE_S)
		self.addCleanup(client.close)
		client.ehlo()
		self.assertFalse(client.has_extn("auth"))
		self.assertEqual(client.docmd("AUTH", "PLAIN AGRiAHBhNTU=")[0], 538)
		code, words = client.docmd("MAIL", "FROM:<a@example.com>")
		self.assertEqual((code, b"STARTTLS" in words), (530, True))
		client.starttls(context=self.context())
		self.assertEqual(client.docmd("MAIL", "FROM:<a@example.com>")[0], 503)
		client.ehlo()
		self.assertEqual(client.docmd("MAIL", "FROM:<a@example.com>")[0], 530)
		self.assertEqual(client.docmd("AUTH", "LOGIN")[0], 334)
		client.docmd(base64.b64encode(b"db").decode())
		self.assertEqual(client.docmd(base64.b64encode(b"pa55").decode())[0], 235)
		self.assertEqual(client.docmd("RCPT", "TO:<a@example.com>")[0], 501)

	def test_recipients(self):
		self.control({"channel": "mail", "what": "rcpt", "rcpt": "b@example.com", "code": 550})
		self.assertEqual(self.send(letter(), ["a@example.com", "b@example.com"]), 250)
		self.assertEqual(self.refused["b@example.com"][0], 550)
		last = self.seen("mail")[-1]
		self.assertEqual((last["to"], last["refused"]), (["a@example.com"], [["b@example.com", 550]]))
		self.control({"channel": "mail", "what": "rcpt", "code": 451})
		with self.assertRaises(smtplib.SMTPRecipientsRefused):
			self.send(letter())
		self.until(lambda: not self.seen("mail")[-1]["taken"])
		self.assertEqual(self.seen("mail")[-1]["code"], 451)

	def test_faults(self):
		self.control({"channel": "mail", "what": "code", "code": 451}, {"channel": "mail", "what": "drop_after"},
			{"channel": "mail", "what": "code", "code": 421, "phase": "connect"})
		with self.assertRaises((smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected)):
			self.client()
		self.assertEqual(self.send(letter()), 451)
		self.assertFalse(self.seen("mail")[-1]["taken"])
		with self.assertRaises(smtplib.SMTPServerDisconnected):
			self.send(letter())
		self.assertTrue(self.seen("mail")[-1]["taken"])
		self.assertEqual(self.send(letter()), 250)

	def test_ill_formed(self):
		for data in (letter(Date=None), letter(Date="today"), letter(Subject=None), letter(Message_ID="abc"),
				letter(References="abc"), letter(To="nobody"), letter(From=""), letter(MIME_Version="2.0"),
				letter(Content_Type="text/html"), letter(Content_Transfer_Encoding="8bit"), letter(Bcc="x@example.com"),
				letter(Subject="caf\xe9"), letter(Subject="=?UTF-8?B?////?="),
				letter(Subject="=?UTF-8?B?" + "QUFB" * 20 + "?="), letter(Subject="x =?UTF-8?B?YQ"),
				letter(Subject="=?UTF-8?B?" + base64.b64encode(b"a\r\nBcc: x").decode() + "?="),
				letter().replace("\r\n\r\n", "\r\nDate: %s\r\n\r\n" % GOOD["Date"]), letter() + "!!!!\r\n",
				letter() + "A" * 80 + "\r\n", letter(Subject="a\r\nno header"), letter().partition("\r\n\r\n")[0]):
			self.assertEqual(self.send(data), 554, data)
			self.assertFalse(self.seen("mail")[-1]["taken"])

	def test_bare_line_feed(self):
		with socket.create_connection(("127.0.0.1", self.ready["smtp"]), DEADLINE_S) as client:
			client.recv(1000)
			client.sendall(b"EHLO x\n")
			self.assertTrue(client.recv(1000).startswith(b"500"))
			self.assertEqual(client.recv(1000), b"")
