"""
faults.py: what is to go wrong, and how often: asked for by POST /control, used up by requests.

A fault is {"channel": ..., "what": ..., and its own values}, and when it applies: "times": N (the next N requests; 1
is the default), "seconds": S (all that come within S seconds), "percent": P (each with this chance; together with
times or seconds, else for ever). The first fault that applies to a request is its fault.

For channels (a robot's name, a vendor's or "*"):
	answer      {status, body, headers, taken}: this answer instead of the right one
	code        {code, words}: refused with the vendor's code; mail: the reply to the mail, like 451
	rcpt        {rcpt, code}: mail: the reply to this recipient
	delay       {delay_s}: the right answer, later
	nothing     no answer, until the client goes
	drip        the right answer, a byte a second
	endless     a body without an end
	truncated   the right answer, half of its body, and the connection is closed
	redirect    {location}: HTTP 302
	drop_before the connection is closed before the message is taken
	drop_after  the message is taken, and the connection closed without an answer

For connections, with the channel tcp:http, tcp:https, tcp:smtp, tcp:smtps or tcp:*:
	refuse      closed at once
	black_hole  accepted, and never read: a TLS handshake hangs after the client's hello
"""
import random

CHANNEL_FAULTS = ("answer code rcpt delay nothing drip endless truncated redirect drop_before drop_after").split()
CONNECTION_FAULTS = ("refuse", "black_hole")
TAKEN = {"delay", "drip", "endless", "truncated", "drop_after"}


class Faults:
	def __init__(self, seed):
		self.random = random.Random(seed)
		self.faults = []

	def add(self, fault, now):
		"""Raises ValueError when it is none."""
		kinds = CONNECTION_FAULTS if str(fault.get("channel", "")).startswith("tcp:") else CHANNEL_FAULTS
		if fault.get("what") not in kinds:
			raise ValueError("what is none of: %s" % " ".join(kinds))
		if not isinstance(fault.get("channel"), str):
			raise ValueError("channel is missing")
		fault = dict(fault)
		endless = "percent" in fault or "seconds" in fault
		fault["left"] = int(fault["times"]) if "times" in fault else -1 if endless else 1
		fault["until"] = now + float(fault["seconds"]) if "seconds" in fault else None
		fault["used"] = 0
		self.faults.append(fault)

	def clear(self, channel="*"):
		self.faults = [fault for fault in self.faults if channel not in ("*", fault["channel"])]

	def take(self, now, covered, kinds=None):
		"""The fault of a request, used up by it, or None. covered(channel): whether it is this request's."""
		self.faults = [f for f in self.faults if f["left"] != 0 and (f["until"] is None or now < f["until"])]
		for fault in self.faults:
			if not covered(fault) or kinds and fault["what"] not in kinds:
				continue
			if "percent" in fault and self.random.random() * 100 >= float(fault["percent"]):
				continue
			fault["left"] -= 1 if fault["left"] > 0 else 0
			fault["used"] += 1
			return fault
		return None
