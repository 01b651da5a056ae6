"""
alertmanager.py: a webhook that takes what Alertmanager sends, version 4 of its payload.

	POST /webhook[/<name>]

Each field is checked, and that they agree with each other: the group fires if an alert of it does, common labels are
common, what has ended has an end. A mistake is HTTP 400 with its reason; success is HTTP 200.
"""
import re
from datetime import datetime

import verdict
from verdict import Refused, Shown, Verdict

PATH = re.compile(r"^/webhook(?:/([^/]+))?$")
BODY_BYTES_MAX = 1 << 20
LIMITS = ([], 0)

GROUP = {"version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
	"commonAnnotations", "externalURL", "notification_reason", "alerts"}
OPTIONAL = {"notification_reason"}
ALERT = {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}
REASONS = {"first notification", "new alerts added", "some alerts resolved", "all alerts resolved",
	"repeat interval elapsed"}
RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$")
NO_TIME = "0001-01-01T00:00:00Z"
LABEL = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_]*$")


def want(good, words):
	if not good:
		raise Refused(400, words)


def check_names(values, wanted, optional, where):
	want(isinstance(values, dict), where + " is not an object")
	for name in sorted(wanted - optional - set(values)):
		raise Refused(400, "%s.%s is missing" % (where, name))
	for name in sorted(set(values) - wanted):
		raise Refused(400, "%s.%s is not known" % (where, name))


def check_map(values, where):
	want(isinstance(values, dict), where + " is not an object")
	for name, value in values.items():
		want(LABEL.match(name), "%s: %s is no name of a label" % (where, name))
		want(isinstance(value, str), "%s.%s is not a string" % (where, name))


def check_url(value, where):
	want(value == "" or verdict.is_url(value), where + " is not an address")


def time_of(value, where):
	"""Seconds since 1970; None for Go's zero time."""
	want(isinstance(value, str) and RFC3339.match(value), where + " is not RFC 3339")
	if value == NO_TIME:
		return None
	whole = re.sub(r"\.(\d+)", lambda m: "." + (m.group(1) + "000000")[:6], value).replace("Z", "+00:00")
	try:
		return datetime.fromisoformat(whole).timestamp()
	except (ValueError, OverflowError) as error:
		raise Refused(400, "%s: %s" % (where, error)) from error


def check_alert(alert, where, wall_s):
	check_names(alert, ALERT, set(), where)
	want(alert["status"] in ("firing", "resolved"), where + ".status")
	check_map(alert["labels"], where + ".labels")
	check_map(alert["annotations"], where + ".annotations")
	want(alert["labels"].get("alertname"), where + ".labels.alertname is missing")
	want(all(alert["labels"].values()), where + ".labels: an empty label is none")
	want(isinstance(alert["fingerprint"], str) and re.fullmatch(r"[0-9a-f]{16}", alert["fingerprint"]),
		where + ".fingerprint is not 16 hexadecimal digits")
	check_url(alert["generatorURL"], where + ".generatorURL")
	starts, ends = time_of(alert["startsAt"], where + ".startsAt"), time_of(alert["endsAt"], where + ".endsAt")
	want(starts is not None, where + ".startsAt is no time")
	if alert["status"] == "resolved":
		want(ends is not None and ends >= starts, where + ".endsAt is before it began")
	else:
		want(ends is None or ends > wall_s, where + ".endsAt has passed, and it still fires")


def check_group(data, wall_s):
	check_names(data, GROUP, OPTIONAL, "message")
	want(data["version"] == "4", 'version is not "4"')
	want(verdict.is_text(data["groupKey"]), "groupKey is missing")
	want(type(data["truncatedAlerts"]) is int and data["truncatedAlerts"] >= 0, "truncatedAlerts is not a count")
	want(verdict.is_text(data["receiver"]), "receiver is missing")
	want(data.get("notification_reason", "first notification") in REASONS, "notification_reason")
	check_url(data["externalURL"], "externalURL")
	alerts = data["alerts"]
	want(isinstance(alerts, list) and alerts, "alerts is empty")
	for number, alert in enumerate(alerts):
		check_alert(alert, "alerts[%d]" % number, wall_s)
	prints = [alert["fingerprint"] for alert in alerts]
	want(len(set(prints)) == len(prints), "two alerts have one fingerprint")
	fires = any(alert["status"] == "firing" for alert in alerts)
	want(data["status"] == ("firing" if fires else "resolved"), "status disagrees with the alerts")
	for name, part in (("groupLabels", "labels"), ("commonLabels", "labels"), ("commonAnnotations", "annotations")):
		check_map(data[name], name)
		for key, value in data[name].items():
			want(all(alert[part].get(key) == value for alert in alerts), "%s.%s is not every alert's" % (name, key))
	for name, part in (("commonLabels", "labels"), ("commonAnnotations", "annotations")):
		common = set.intersection(*(set(alert[part].items()) for alert in alerts))
		want(set(data[name].items()) == common, name + " is not all that the alerts have in common")


def show(data):
	"""A message as its reader's templates would have it: nothing is markup."""
	shown = Shown("alertmanager v4", title="[%s:%d] %s" % (data["status"].upper(), len(data["alerts"]),
		" ".join(data["groupLabels"].values()) or data["receiver"]),
		colour="red" if data["status"] == "firing" else "green")
	for alert in data["alerts"]:
		lines = ["%s: %s" % (alert["status"], alert["annotations"].get("summary", alert["labels"]["alertname"]))]
		lines.extend("%s: %s" % pair for pair in alert["annotations"].items() if pair[0] != "summary")
		shown.blocks.append(("text", "plain", "\n".join(lines)))
		shown.blocks.append(("fields", "plain", ["%s = %s" % pair for pair in sorted(alert["labels"].items())]))
		shown.blocks.append(("note", "plain", "%s to %s, fingerprint %s" % (alert["startsAt"],
			"now" if alert["endsAt"] == NO_TIME else alert["endsAt"], alert["fingerprint"])))
	return shown


def check(request, wall_s):
	want(request.method == "POST", "require POST")
	want(request.is_json(), "Content-Type is not application/json")
	want(len(request.body) <= BODY_BYTES_MAX, "too long")
	want(re.match(r"^[\w.-]+/[\w.]+", request.headers.get("user-agent", "")), "no User-Agent")
	try:
		data = verdict.parse_json(request.body)
	except ValueError as error:
		raise Refused(400, "JSON: %s" % error) from error
	check_group(data, wall_s)
	return show(data)


def judge(request, robot, wall_s, exceeded):
	plain = "text/plain; charset=utf-8"
	if exceeded:
		return Verdict(429, "too many requests", False, 429, b"too many requests", plain, {"Retry-After": "5"})
	if not robot.known:
		return Verdict(404, "no such webhook", False, 404, b"no such webhook", plain)
	try:
		return Verdict(200, "ok", True, 200, b"ok", plain, shown=check(request, wall_s))
	except Refused as refused:
		return Verdict(400, refused.words, False, 400, refused.words.encode(), plain)
