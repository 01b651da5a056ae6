"""
web.py: HTTP/1.1 as far as webhooks need it, and answers that go wrong.

Requests to robots are judged, recorded and answered; the rest is the receiver's own: POST /control, GET /seen, GET
/counts, GET / (page.py). Connections are kept open, as the vendors keep them.
"""
import asyncio
import json
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote

import page
import robots
import verdict as verdicts
from faults import TAKEN
from verdict import Verdict

HEAD_BYTES_MAX = 16384
BODY_BYTES_MAX = 4 << 20
PATIENCE_S = 120
REASON = {200: "OK", 204: "No Content", 302: "Found", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
	405: "Method Not Allowed", 408: "Request Timeout", 411: "Length Required", 413: "Content Too Large",
	425: "Too Early", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
	503: "Service Unavailable"}


@dataclass
class Request:
	method: str
	target: str
	headers: dict				# by their names in small letters
	body: bytes = b""
	query: dict = field(default_factory=dict)
	raw_query: dict = field(default_factory=dict)	# as it came, before percent-decoding
	path: str = ""

	def __post_init__(self):
		path, _, query = self.target.partition("?")
		self.path = unquote(path)
		self.query = dict(parse_qsl(query, keep_blank_values=True))
		self.raw_query = dict(part.partition("=")[::2] for part in query.split("&") if part)

	def is_json(self):
		kind, _, rest = self.headers.get("content-type", "").partition(";")
		return kind.strip().lower() == "application/json" and rest.strip().lower() in ("", "charset=utf-8")


async def read_request(reader, writer):
	"""The next request of a connection; None at its end. What is no HTTP raises ValueError."""
	try:
		head = await reader.readuntil(b"\r\n\r\n")
	except asyncio.IncompleteReadError as error:
		if error.partial:
			raise ValueError("the head of a request breaks off") from error
		return None
	if len(head) > HEAD_BYTES_MAX:
		raise ValueError("the head of a request is too long")
	first, *lines = head.decode("ascii").split("\r\n")[:-2]
	method, target, version = first.split(" ")
	if version not in ("HTTP/1.1", "HTTP/1.0"):
		raise ValueError("not HTTP/1.1: %s" % version)
	headers = {}
	for line in lines:
		name, colon, value = line.partition(":")
		if not colon or name.strip() != name or name.lower() in headers:
			raise ValueError("a header that is none, or twice: %s" % name)
		headers[name.lower()] = value.strip()
	length = int(headers.get("content-length", "0"))
	if "transfer-encoding" in headers or not 0 <= length <= BODY_BYTES_MAX:
		raise ValueError("a body needs a Content-Length")
	if headers.get("expect", "").lower() == "100-continue":
		writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
	return Request(method, target, headers, await reader.readexactly(length))


def to_bytes(found, clock_s=0.0):
	"""A verdict as an HTTP response, of a server whose clock is clock_s ahead."""
	lines = ["HTTP/1.1 %d %s" % (found.status, REASON.get(found.status, "Other")),
		"Date: " + formatdate(time.time() + clock_s, usegmt=True), "Server: receiver"]
	if found.body or found.status != 204:
		lines.append("Content-Length: %d" % len(found.body))
	if found.body:
		lines.append("Content-Type: " + found.content_type)
	lines.extend("%s: %s" % pair for pair in found.headers.items())
	return ("\r\n".join(lines) + "\r\n\r\n").encode() + found.body


async def outlast(reader, writer, part=b"", each_s=PATIENCE_S):
	"""Sends a part again and again, or nothing, until the client goes."""
	until = time.monotonic() + PATIENCE_S
	gone = asyncio.ensure_future(reader.read(1))
	try:
		while not gone.done() and time.monotonic() < until:
			if part:
				writer.write(part)
				await writer.drain()
			await asyncio.wait([gone], timeout=each_s)
	finally:
		gone.cancel()


async def drip(reader, writer, data):
	"""The head at once, then a byte a second."""
	head, _, body = data.partition(b"\r\n\r\n")
	writer.write(head + b"\r\n\r\n")
	gone = asyncio.ensure_future(reader.read(1))
	try:
		for byte in body:
			writer.write(bytes([byte]))
			await writer.drain()
			await asyncio.wait([gone], timeout=1)
			if gone.done():
				return
	finally:
		gone.cancel()


def instead(vendor, fault, right):
	"""The verdict that a fault makes of the right one: what is answered, and whether the message is taken."""
	what = fault["what"]
	if what == "code" and vendor in ("feishu", "dingtalk", "wecom"):
		found = robots.VENDORS[vendor].answer(fault.get("code", -1), fault.get("words", ""))
	elif what == "code" and vendor == "slack":
		found = robots.VENDORS[vendor].answer(fault.get("code", "invalid_token"))
	elif what == "redirect":
		found = Verdict("redirect", "redirect", status=302, headers={"Location": fault.get("location", "/")})
	elif what in ("answer", "code"):
		body = fault.get("body", "")
		body = body.encode() if isinstance(body, str) else verdicts.to_json(body)
		status = int(fault.get("status", fault.get("code", 200)))
		found = Verdict("answer", "HTTP %d" % status, status=status, body=body, headers=dict(fault.get("headers", {})))
	else:
		found = Verdict(right.code, right.words, right.taken and what in TAKEN, right.status, right.body,
			right.content_type, right.headers)
	if right.taken and fault.get("taken"):
		found.taken = True
	found.shown = right.shown
	return found


async def respond(reader, writer, data, fault):
	"""Sends an answer as a fault has it. False when the connection is at its end."""
	what = fault["what"] if fault else None
	if what == "delay":
		await asyncio.sleep(float(fault.get("delay_s", 1)))
	elif what == "nothing":
		await outlast(reader, writer)
		return False
	elif what == "drip":
		await drip(reader, writer, data)
		return False
	elif what == "endless":
		head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
		head = [line for line in head if not line.startswith(b"Content-Length")]
		writer.write(b"\r\n".join(head) + b"\r\n\r\n")
		await outlast(reader, writer, b"x" * 65536, 0.001)
		return False
	elif what in ("drop_before", "drop_after"):
		writer.transport.abort()
		return False
	elif what == "truncated":
		head, _, body = data.partition(b"\r\n\r\n")
		writer.write(head + b"\r\n\r\n" + body[:len(body) // 2])
		await writer.drain()
		return False
	writer.write(data)
	await writer.drain()
	return True


class Web:
	def __init__(self, app):
		self.app = app

	async def serve(self, reader, writer, port):
		while True:
			try:
				request = await read_request(reader, writer)
			except (ValueError, asyncio.LimitOverrunError) as error:
				writer.write(to_bytes(Verdict(status=400, body=str(error).encode(), content_type="text/plain")))
				await writer.drain()
				return
			if request is None:
				return
			home = robots.address(request)
			if home is None:
				writer.write(to_bytes(self.own(request)))
				await writer.drain()
			elif not await self.robot(request, home, reader, writer, port):
				return
			if request.headers.get("connection", "").lower() == "close":
				return

	async def robot(self, request, home, reader, writer, port):
		"""Judges, records and answers a request to a robot."""
		app, vendor = self.app, home[0]
		robot = app.robots.find(*home)
		wall_s, mono_s = time.time(), time.monotonic()
		exceeded = robot.limits.exceeded(mono_s)
		found = robots.VENDORS[vendor].judge(request, robot, wall_s + robot.clock_s, exceeded)
		fault = app.fault(robot.channel)
		if fault:
			found = instead(vendor, fault, found)
		app.take(robot.channel, found, fault, exceeded, {"wall_s": wall_s, "mono_s": mono_s, "vendor": vendor,
			"port": port.name, "method": request.method, "target": request.target, "headers": request.headers,
			"body": request.body, "status": found.status, "answer": found.body.decode("utf-8", "replace")})
		return await respond(reader, writer, to_bytes(found, robot.clock_s), fault)

	def own(self, request):
		"""What the receiver itself is asked."""
		app = self.app
		try:
			if request.method == "POST" and request.path == "/control":
				return Verdict(body=verdicts.to_json(app.control(json.loads(request.body))))
			if request.method == "GET" and request.path == "/seen":
				return Verdict(body=verdicts.to_json(app.seen(request.query)))
			if request.method == "GET" and request.path == "/counts":
				return Verdict(body=verdicts.to_json(app.counts()))
			if request.method == "GET" and request.path == "/":
				text = page.render(app.records, request.query)
				return Verdict(body=text.encode(), content_type="text/html; charset=utf-8")
		except (ValueError, TypeError, KeyError) as error:
			return Verdict(status=400, body=str(error).encode(), content_type="text/plain; charset=utf-8")
		return Verdict(status=404, body=b"nobody lives here", content_type="text/plain")
