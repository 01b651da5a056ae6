"""
mail.py: a mail server as strict as the strictest: no mail without TLS (STARTTLS on the smtp port), no login without it
either, CRLF and nothing else at the end of a line, and only messages that letter.py finds well-formed.

A robot's secret, "NAME:PASSWORD", is the login that mail then needs. Faults (faults.py) apply at a phase of the talk:
"phase": connect, auth, mail or data (the default; the answer to the message); rcpt is its own.
"""
import asyncio
import base64
import binascii
import re
import time

import letter
from verdict import Refused, Verdict

SIZE_MAX = 10 << 20
LINE_BYTES_MAX = 1000
PATIENCE_S = 60
ADDRESS = re.compile(r"^<([^<>\s]+@[^<>\s@]+)>((?: +[A-Za-z0-9-]+(?:=\S+)?)*)$")


class Gone(Exception):
	"""The connection is at its end."""


class Talk:
	"""One connection."""

	def __init__(self, app, reader, writer, port):
		self.app = app
		self.robot = app.robots.find("mail", "")
		self.reader = reader
		self.writer = writer
		self.port = port
		self.tls = port.name == "smtps"
		self.greeted = ""
		self.user = ""
		self.refused = []
		self.reset()

	def reset(self):
		"""The end of a mail. One that nobody was left to get is recorded too."""
		if self.refused:
			code = self.refused[-1][1]
			self.keep(b"", Verdict(code, "no recipient was taken", False, code), None, {})
		self.sender = None
		self.recipients = []
		self.refused = []

	async def say(self, text):
		self.writer.write(text.replace("\n", "\r\n").encode() + b"\r\n")
		await self.writer.drain()

	async def line(self):
		"""A line without its CRLF; anything else at its end is the end of the talk."""
		try:
			data = await asyncio.wait_for(self.reader.readuntil(b"\n"), PATIENCE_S)
		except (asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
			raise Gone from error
		if not data.endswith(b"\r\n") or b"\r" in data[:-2] or len(data) > LINE_BYTES_MAX or b"\0" in data:
			await self.say("500 5.5.2 a line ends with CR LF, and has at most 1000 bytes")
			raise Gone
		return data[:-2]

	async def fault(self, phase, default):
		"""Answers as a fault of this phase has it: True when it did so instead of the talk."""
		fault = self.app.fault("mail", extra=lambda f: f["what"] != "rcpt" and f.get("phase", "data") == phase)
		if fault is None:
			return False
		await self.misbehave(fault, default)
		return fault["what"] != "delay"

	async def misbehave(self, fault, default):
		what = fault["what"]
		if what == "delay":
			await asyncio.sleep(float(fault.get("delay_s", 1)))
		elif what in ("code", "answer"):
			await self.say("%s %s" % (fault.get("code", default), fault.get("words", "as asked for")))
		elif what in ("nothing", "endless", "drip"):
			await self.reader.read()
			raise Gone
		else:
			self.writer.transport.abort()
			raise Gone

	# ---- The commands ----

	async def do_ehlo(self, rest):
		self.greeted = rest
		self.reset()
		login = "\n250-AUTH PLAIN LOGIN" if self.tls else "\n250-STARTTLS"
		await self.say("250-receiver greets %s\n250-SIZE %d%s\n250 8BITMIME" % (rest, SIZE_MAX, login))

	async def do_starttls(self, rest):
		if self.tls or rest:
			return await self.say("503 5.5.1 not now")
		loop, protocol = asyncio.get_running_loop(), self.writer.transport.get_protocol()
		protocol.turned = True
		self.writer.write(b"220 2.0.0 go ahead\r\n")		# nothing is read before the next line
		transport = await loop.start_tls(self.writer.transport, protocol, self.app.context(), server_side=True)
		self.writer = asyncio.StreamWriter(transport, protocol, self.reader, loop)
		self.tls, self.greeted, self.user = True, "", ""
		return None

	async def ask(self, prompt):
		await self.say("334 " + prompt)
		return await self.line()

	async def do_auth(self, rest):
		kind, _, first = rest.partition(" ")
		if not self.tls:
			return await self.say("538 5.7.11 encryption is required for a login")
		if await self.fault("auth", 454):
			return None
		try:
			if kind.upper() == "PLAIN":
				given = base64.b64decode(first or await self.ask(""), validate=True).decode()
				_, name, password = given.split("\0")
			elif kind.upper() == "LOGIN":
				name = base64.b64decode(first or await self.ask("VXNlcm5hbWU6"), validate=True).decode()
				password = base64.b64decode(await self.ask("UGFzc3dvcmQ6"), validate=True).decode()
			else:
				return await self.say("504 5.5.4 PLAIN or LOGIN")
		except (binascii.Error, ValueError):
			return await self.say("501 5.5.2 not base64")
		if self.robot.secret and "%s:%s" % (name, password) != self.robot.secret:
			return await self.say("535 5.7.8 authentication credentials invalid")
		self.user = name
		return await self.say("235 2.7.0 welcome")

	async def do_mail(self, rest):
		match = ADDRESS.match(rest[5:].strip()) if rest[:5].upper() == "FROM:" else None
		if not self.tls:
			return await self.say("530 5.7.0 must issue a STARTTLS command first")
		if self.robot.secret and not self.user:
			return await self.say("530 5.7.0 authentication required")
		if not match or self.sender:
			return await self.say("501 5.1.7 MAIL FROM:<address>, once")
		if await self.fault("mail", 451):
			return None
		if self.robot.limits.exceeded(time.monotonic()):
			return await self.say("450 4.7.1 too many messages")
		self.sender = match.group(1)
		return await self.say("250 2.1.0 ok")

	async def do_rcpt(self, rest):
		match = ADDRESS.match(rest[3:].strip()) if rest[:3].upper() == "TO:" else None
		if not match or not self.sender:
			return await self.say("501 5.1.3 RCPT TO:<address>, after MAIL")
		to = match.group(1)
		fault = self.app.fault("mail", ("rcpt",), lambda f: f.get("rcpt", to) == to)
		if fault:
			code = int(fault.get("code", 550))
			self.refused.append([to, code])
			return await self.say("%d %d.1.1 <%s>: as asked for" % (code, code // 100, to))
		self.recipients.append(to)
		return await self.say("250 2.1.5 ok")

	async def do_data(self, rest):
		if not self.recipients or rest:
			return await self.say("554 5.5.1 no valid recipients")
		await self.say("354 end with a dot on a line of its own")
		data = b""
		while (line := await self.line()) != b".":
			data += (line[1:] if line.startswith(b".") else line) + b"\r\n"
			if len(data) > SIZE_MAX:
				await self.say("552 5.3.4 too big")
				raise Gone
		fault = self.app.fault("mail", extra=lambda f: f["what"] != "rcpt" and f.get("phase", "data") == "data")
		found, facts = self.judge(data, fault)
		self.keep(data, found, fault, facts)
		self.refused = []
		self.reset()
		if fault:
			await self.misbehave(fault, 451)
			if fault["what"] != "delay":
				return None
		return await self.say("%s %s" % (found.code, found.words))

	def judge(self, data, fault):
		"""The verdict on a message, and what its headers say."""
		try:
			shown, facts = letter.read(data)
			found = Verdict(250, "2.0.0 ok: kept", True, 250, shown=shown)
		except Refused as refused:
			found, facts = Verdict(refused.code, "5.6.0 " + refused.words, False, refused.code), {}
		if fault and fault["what"] not in ("delay", "drop_after", "endless", "drip", "truncated"):
			found.taken = False
			if fault["what"] in ("code", "answer"):
				found.code = found.status = fault.get("code", 451)
		return found, facts

	def keep(self, data, found, fault, facts):
		self.app.take("mail", found, fault, None, {"wall_s": time.time(), "mono_s": time.monotonic(), "vendor": "mail",
			"port": self.port.name, "body": data, "status": found.status, "mail": facts, "user": self.user,
			"greeting": self.greeted, "from": self.sender, "to": self.recipients, "refused": self.refused})

	async def do_rset(self, _rest):
		self.reset()
		await self.say("250 2.0.0 ok")

	async def do_noop(self, _rest):
		await self.say("250 2.0.0 ok")

	async def do_quit(self, _rest):
		await self.say("221 2.0.0 bye")
		raise Gone

	async def talk(self):
		if await self.fault("connect", 421):
			return
		await self.say("220 receiver ESMTP")
		while True:
			name, _, rest = (await self.line()).decode("ascii", "replace").partition(" ")
			do = getattr(self, "do_" + name.lower(), None) if name.isalpha() else None
			if do is None:
				await self.say("502 5.5.1 not known")
			elif not self.greeted and name.upper() not in ("EHLO", "QUIT", "NOOP", "RSET"):
				await self.say("503 5.5.1 EHLO first")
			else:
				await do(rest)


class Mail:
	def __init__(self, app):
		self.app = app

	async def serve(self, reader, writer, port):
		talk = Talk(self.app, reader, writer, port)
		try:
			await talk.talk()
		except Gone:
			pass
		finally:
			talk.writer.close()
			talk.reset()
