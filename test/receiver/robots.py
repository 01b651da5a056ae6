"""
robots.py: the robots that the receiver plays: one for each vendor and token, with its secret, keyword and limits.

A robot is named as its channel is in records and controls: "<vendor>:<token>", like feishu:team-a or mail. A robot
comes into being by the first request to it, unless the tokens of its vendor were named: then others are not known.
"""
from dataclasses import dataclass, field

import alertmanager
import dingtalk
import feishu
import slack
import wecom
from limits import Limits

VENDORS = {"feishu": feishu, "dingtalk": dingtalk, "wecom": wecom, "slack": slack, "webhook": alertmanager}
MAIL_LIMITS = ([], 0)
SETTINGS = ("secret", "keyword", "limits", "punish_s", "known", "clock_s")


@dataclass
class Robot:
	vendor: str
	token: str
	known: bool = True
	secret: str = ""
	keyword: str = ""
	clock_s: float = 0.0			# by how much its clock is ahead of ours
	limits: Limits = field(default_factory=lambda: Limits([]))

	@property
	def channel(self):
		return "%s:%s" % (self.vendor, self.token) if self.token else self.vendor


def address(request):
	"""(vendor, token) of a request, or None when nobody lives there."""
	for vendor, module in VENDORS.items():
		match = module.PATH.match(request.path)
		if not match:
			continue
		if vendor == "dingtalk":
			return vendor, request.query.get("access_token", "")
		if vendor == "wecom":
			return vendor, request.query.get("key", "")
		return vendor, match.group(1) or ""
	return None


def covers(pattern, channel):
	"""Whether a pattern names a channel: the channel itself, its vendor, or "*"."""
	return pattern in ("*", channel) or pattern == channel.partition(":")[0]


class Robots:
	def __init__(self, secrets, keyword, tokens, with_limits):
		"""secrets: by vendor. tokens: those that are known, of whatever vendor; empty = any is."""
		self.secrets = secrets
		self.keyword = keyword
		self.tokens = set(tokens)
		self.with_limits = with_limits
		self.settings = []
		self.robots = {}

	def find(self, vendor, token):
		robot = self.robots.get((vendor, token))
		if robot is None:
			windows, punish_s = VENDORS[vendor].LIMITS if vendor in VENDORS else MAIL_LIMITS
			named = bool(token) or vendor in ("webhook", "mail")
			robot = Robot(vendor, token, named and (not self.tokens or not token or token in self.tokens),
				self.secrets.get(vendor, ""), self.keyword if vendor in ("feishu", "dingtalk") else "",
				limits=Limits(windows if self.with_limits else [], punish_s))
			self.robots[(vendor, token)] = robot
			for pattern, values in self.settings:
				if covers(pattern, robot.channel):
					self.apply(robot, values)
		return robot

	def apply(self, robot, values):
		"""Changes a robot; limits are [[requests, seconds], ...], and begin anew."""
		for name in ("secret", "keyword", "known", "clock_s"):
			if name in values:
				setattr(robot, name, values[name])
		if "limits" in values or "punish_s" in values:
			robot.limits = Limits(values.get("limits", robot.limits.windows),
				values.get("punish_s", robot.limits.punish_s))

	def set(self, pattern, values):
		"""Changes the robots that a pattern covers, those too that are yet to come."""
		unknown = set(values) - set(SETTINGS)
		if unknown:
			raise ValueError("a robot has no %s; it has %s" % (sorted(unknown)[0], ", ".join(SETTINGS)))
		Limits(values.get("limits", []), values.get("punish_s", 0))
		self.settings.append((pattern, values))
		for robot in self.robots.values():
			if covers(pattern, robot.channel):
				self.apply(robot, values)
