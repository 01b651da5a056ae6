"""
record.py: every request that came, as a line of JSON in a file, and what they come to.

A record holds everything, secrets too: this is a test's. "taken" says whether the vendor has the message, whatever the
sender was told; ids are those of notices, found in what people see (of a webhook, in the whole body). Times: wall_s
since 1970, mono_s monotonic.
"""
import base64
import json
import re

import markup

ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16}-[0-9]+(?![0-9])")


def text_or_base64(data):
	try:
		return {"body": data.decode("utf-8")}
	except UnicodeDecodeError:
		return {"body_base64": base64.b64encode(data).decode()}


class Records:
	def __init__(self, path):
		self.file = open(path, "a", encoding="utf-8", buffering=1)
		self.records = []
		self.shown = {}
		self.totals = {}
		self.id_count = {}

	def add(self, channel, verdict, fault, exceeded, facts):
		"""facts: what the protocol knows of the request; wall_s and mono_s, and "body" as bytes, are among them."""
		record = {"n": len(self.records) + 1, "channel": channel, **facts}
		record.update(text_or_base64(record.pop("body")))
		record.update(code=verdict.code, words=verdict.words, taken=verdict.taken, fault=fault and fault["what"],
			limit_exceeded=exceeded)
		shown = verdict.shown
		if shown:
			texts = shown.texts()
			urls = [url for block in shown.blocks if block[0] == "buttons" for _, url in block[1]]
			record.update(kind=shown.kind, title=shown.title, colour=shown.colour, text=shown.plain(),
				mentions=shown.mentions + [who for d, text in texts for who in markup.mentions(d, text)],
				links=[url for d, text in texts for url in markup.links(d, text)], buttons=urls)
			self.shown[record["n"]] = shown
		whole = record.get("body", "") if shown and channel.startswith("webhook") else record.get("text", "")
		record["ids"] = list(dict.fromkeys(ID.findall(whole)))
		self.records.append(record)
		self.file.write(json.dumps(record, ensure_ascii=True) + "\n")
		self.count(record)
		return record

	def count(self, record):
		total = self.totals.setdefault(record["channel"], {"requests": 0, "taken": 0, "refused": 0, "faults": 0,
			"limit_exceeded": 0, "punished": 0, "ids": 0, "duplicates": 0})
		total["requests"] += 1
		total["taken" if record["taken"] else "refused"] += 1
		total["faults"] += record["fault"] is not None
		total["limit_exceeded"] += record["limit_exceeded"] is not None
		total["punished"] += record["limit_exceeded"] == "punished"
		for name in record["ids"] if record["taken"] else []:
			key = (record["channel"], name)
			self.id_count[key] = self.id_count.get(key, 0) + 1
			total["ids" if self.id_count[key] == 1 else "duplicates"] += 1

	def counts(self):
		"""Sums by channel and over all, and how often ids were taken that were taken more than once."""
		every = {}
		for total in self.totals.values():
			for name, value in total.items():
				every[name] = every.get(name, 0) + value
		again = [{"channel": channel, "id": name, "taken": count}
			for (channel, name), count in self.id_count.items() if count > 1]
		return {"all": every, "channels": self.totals, "taken_again": again}

	def seen(self, covered, since=0):
		return [record for record in self.records[max(since, 0):] if covered(record["channel"])]
