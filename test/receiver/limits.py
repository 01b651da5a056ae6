"""
limits.py: how many requests a robot takes, as sliding windows, and how long it punishes.

Each request that arrives counts, those that are refused too: who asks again at once only makes it longer. Times are
monotonic seconds that the caller brings.
"""
from collections import deque


class Limits:
	def __init__(self, windows, punish_s=0):
		"""windows: [(requests, seconds), ...]. punish_s: for how long nothing is taken after a limit was exceeded."""
		self.windows = [(int(most), float(seconds)) for most, seconds in windows]
		self.punish_s = float(punish_s)
		self.times = deque()
		self.punished_until = None

	def exceeded(self, now):
		"""Counts a request. None, or the limit that it exceeds in words; "punished" while nothing is taken at all."""
		if self.punished_until is not None and now < self.punished_until:
			return "punished"
		keep_s = max((seconds for _, seconds in self.windows), default=0)
		while self.times and self.times[0] <= now - keep_s:
			self.times.popleft()
		self.times.append(now)
		for most, seconds in self.windows:
			within = sum(1 for time in self.times if time > now - seconds)
			if within > most:
				if self.punish_s:
					self.punished_until = now + self.punish_s
				return "%d in %g s" % (most, seconds)
		return None

	def punished_s(self, now):
		"""Seconds for which nothing is taken yet; 0 = it is."""
		return max(0.0, (self.punished_until or now) - now)
