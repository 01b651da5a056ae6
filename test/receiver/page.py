"""
page.py: the last messages as people would see them in their clients, on one page without anything from elsewhere.

GET /?channel=<name>&last=<N>&n=<record>: the last N (20) messages that were taken, of one channel or of all; or one.
"""
import html
import time

import markup
import robots

COLOURS = {"blue": "#3370ff", "wathet": "#3ec3f7", "turquoise": "#04b49c", "green": "#2ea121", "yellow": "#dc9b04",
	"orange": "#ed6d0c", "red": "#f54a45", "carmine": "#d93d88", "violet": "#c45cd6", "purple": "#7f3bf5",
	"indigo": "#4954e6", "grey": "#646a73", "default": "#3370ff", "good": "#2eb886", "warning": "#daa038",
	"danger": "#a30200"}
VENDOR = {"feishu": "Feishu / Lark 飞书", "dingtalk": "DingTalk 钉钉", "wecom": "WeCom 企业微信", "slack": "Slack",
	"webhook": "Webhook (Alertmanager v4)", "mail": "E-mail"}

STYLE = """
body { background: #eceff3; color: #1f2329; margin: 24px; font: 14px/1.55 "PingFang SC", "Noto Sans CJK SC",
	"Microsoft YaHei", "WenQuanYi Micro Hei", "DejaVu Sans", sans-serif; }
h1 { font-size: 17px; font-weight: 600; } .row { margin: 0 0 20px; max-width: 580px; }
.from { color: #646a73; font-size: 12px; margin: 0 0 5px 2px; } .from b { color: #1f2329; font-weight: 600; }
.box { background: #fff; border: 1px solid #dee0e3; border-radius: 8px; overflow: hidden; }
.head { color: #fff; padding: 9px 14px; font-weight: 600; font-size: 15px; overflow-wrap: anywhere; }
.part { padding: 5px 14px; overflow-wrap: anywhere; } .box > :nth-child(2) { padding-top: 10px; }
.box > :last-child { padding-bottom: 12px; } .title { font-weight: 600; padding: 10px 14px 0; font-size: 15px; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 5px 14px; } hr { border: 0; border-top: 1px solid #dee0e3;
	margin: 6px 14px; } .note { color: #8f959e; font-size: 12px; }
.button { display: inline-block; border: 1px solid #d0d3d6; border-radius: 6px; padding: 3px 12px; color: #1f2329;
	text-decoration: none; margin-right: 8px; }
.at { color: #3370ff; background: #e9f0ff; border-radius: 3px; padding: 0 3px; } a { color: #3370ff; }
.quote { border-left: 3px solid #bbbfc4; padding-left: 9px; color: #646a73; } .h { font-weight: 600; }
.h1 { font-size: 19px; } .h2 { font-size: 17px; } .h3 { font-size: 16px; } .h4 { font-size: 15px; }
.bad { color: #f54a45; text-decoration: line-through; }
code { background: #f0f1f3; border-radius: 3px; padding: 0 3px; }
.font-info, .font-green { color: #2ea121; } .font-comment, .font-grey { color: #8f959e; }
.font-warning { color: #ed6d0c; } .font-red { color: #f54a45; } .slack { border-left: 4px solid; border-radius: 4px; }
.mail .part { font-family: "DejaVu Sans Mono", monospace; font-size: 13px; white-space: pre-wrap; }
table { border-spacing: 0; margin: 8px 14px 4px; } th { text-align: left; color: #8f959e; font-weight: normal;
	padding-right: 10px; vertical-align: top; } .empty { color: #8f959e; }
"""


def block_html(block):
	kind = block[0]
	if kind == "rule":
		return "<hr>"
	if kind == "fields":
		cells = "".join("<div>%s</div>" % markup.to_html(block[1], text) for text in block[2])
		return '<div class="part fields">%s</div>' % cells
	if kind == "buttons":
		buttons = "".join('<a class="button" href="%s">%s</a>' % (html.escape(url), html.escape(label))
			for label, url in block[1])
		return '<div class="part">%s</div>' % buttons
	if kind == "note":
		return '<div class="part note">%s</div>' % markup.to_html(block[1], block[2])
	return '<div class="part">%s</div>' % markup.to_html(block[1], block[2])


def colour_of(shown):
	if shown.colour.startswith("#"):
		return shown.colour
	return COLOURS.get(shown.colour, COLOURS["grey"])


def box_html(record, shown):
	vendor = record["vendor"]
	parts = "".join(block_html(block) for block in shown.blocks)
	title = markup.to_html(shown.title_dialect, shown.title) if shown.title else ""
	if vendor == "mail":
		rows = "".join("<tr><th>%s</th><td>%s</td></tr>" % (name, html.escape(value))
			for name, value in record.get("mail", {}).items())
		return '<div class="box mail"><table>%s</table><hr>%s</div>' % (rows, parts)
	if vendor == "slack":
		return '<div class="box slack" style="border-left-color: %s">%s</div>' % (colour_of(shown), parts)
	if vendor in ("feishu", "webhook") and title:
		head = '<div class="head" style="background: %s">%s</div>' % (colour_of(shown), title)
		return '<div class="box">%s%s</div>' % (head, parts)
	# DingTalk's title is what a notification and the list of talks show, not the message.
	return '<div class="box">%s</div>' % parts


def row_html(record, shown):
	when = time.strftime("%H:%M:%S", time.localtime(record["wall_s"]))
	calls = "".join(' <span class="at">@%s</span>' % html.escape(who) for who in shown.mentions)
	return '<div class="row"><div class="from"><b>%s</b> %s, %s%s</div>%s</div>' % (VENDOR[record["vendor"]],
		html.escape(record["channel"].partition(":")[2]), when, calls, box_html(record, shown))


def chosen(records, query):
	if "n" in query:
		return [record for record in records.records if record["n"] == int(query["n"])]
	wanted = query.get("channel", "*")
	found = [r for r in records.records if r["taken"] and robots.covers(wanted, r["channel"])]
	return found[-int(query.get("last", 20)):]


def render(records, query):
	rows = [row_html(record, records.shown[record["n"]]) for record in chosen(records, query)
		if record["n"] in records.shown]
	return '<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>What arrived</title><style>%s</style>' \
		'</head><body>%s</body></html>\n' % (STYLE, "".join(rows) or '<p class="empty">Nothing has arrived yet.</p>')
