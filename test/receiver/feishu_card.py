"""
feishu_card.py: the cards of Feishu, versions 1.0 and 2.0, as far as a custom robot may send them.

Version 1.0 ignores attributes that it does not know, and refuses tags that it does not know. Version 2.0 refuses
both. Buttons may only open addresses. What is refused is refused with 11246.
"""
import verdict
from verdict import Refused, Shown

COLOURS = ("blue wathet turquoise green yellow orange red carmine violet purple indigo grey default").split()
BUTTON_TYPES = ("default primary danger text primary_text danger_text primary_filled danger_filled laser").split()

# Version 2.0: the attributes of each part.
CARD_2 = "schema config card_link header body".split()
CONFIG_2 = ("update_multi enable_forward width_mode summary style locales use_custom_translation streaming_mode "
	"streaming_config enable_forward_interaction").split()
HEADER_2 = "title subtitle template icon text_tag_list padding".split()
BODY_2 = ("elements direction padding horizontal_spacing horizontal_align vertical_spacing vertical_align").split()
TEXT_2 = "tag element_id content text_size text_color text_align lines".split()
ELEMENTS_2 = {
	"markdown": "tag element_id margin content text_align text_size icon".split(),
	"hr": "tag element_id margin".split(),
	"div": "tag element_id margin width text icon fields".split(),
	"button": ("tag element_id margin type size width text icon hover_tips disabled disabled_tips confirm "
		"behaviors").split(),
	"column_set": ("tag element_id margin horizontal_spacing horizontal_align flex_mode background_style columns "
		"action").split(),
}
COLUMN_2 = ("tag element_id margin width weight vertical_align vertical_spacing horizontal_align horizontal_spacing "
	"direction padding background_style elements action").split()


def refuse(words, number=200621):
	message = {200621: "parse card json err", 11310: "element exceeds the limit or unsupported type of block"}[number]
	raise Refused(11246, "ErrCode: %d; ErrMsg: %s, %s" % (number, message, words))


def text_of(node, where, version=1):
	"""(dialect, content) of a text element."""
	if not isinstance(node, dict) or node.get("tag") not in ("plain_text", "lark_md"):
		refuse("%s is not a plain_text or lark_md" % where)
	if not verdict.is_text(node.get("content")):
		refuse("%s has no content" % where)
	if version == 2:
		only(node, TEXT_2, where)
	return ("lark_md" if node["tag"] == "lark_md" else "plain", node["content"])


def only(node, allowed, where):
	"""Version 2.0: no attribute that is not known."""
	for name in node:
		if name not in allowed:
			refuse("unknown property, property: %s, path: %s" % (name, where))


def a_list(value, where):
	if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
		refuse("%s is not a list of elements" % where)
	return value


def read_button(node, where, version):
	if node.get("tag") != "button":
		refuse("%s: %s" % (where, node.get("tag")), 11310)
	_, label = text_of(node.get("text"), where + ".text", version)
	if node.get("type", "default") not in BUTTON_TYPES:
		refuse("%s.type" % where)
	url = node.get("url")
	if version == 2:
		behaviours = a_list(node.get("behaviors"), where + ".behaviors")
		if any(one.get("type") != "open_url" for one in behaviours):
			refuse("%s.behaviors: a custom robot may only open addresses" % where)
		url = behaviours[0].get("default_url")
	if "value" in node or not verdict.is_url(url):
		refuse("%s: a custom robot's button opens an address" % where)
	return (label, url)


def read_div(node, where, version):
	blocks = []
	if "text" not in node and "fields" not in node:
		refuse("%s has neither text nor fields" % where)
	if "text" in node:
		blocks.append(("text",) + text_of(node["text"], where + ".text", version))
	if "fields" in node:
		texts = [text_of(one.get("text"), where + ".fields", version) for one in a_list(node["fields"], where)]
		if not all(isinstance(one.get("is_short", False), bool) for one in node["fields"]):
			refuse("%s.fields.is_short" % where)
		dialect = "lark_md" if any(dialect == "lark_md" for dialect, _ in texts) else "plain"
		blocks.append(("fields", dialect, [text for _, text in texts]))
	return blocks


def read_note(node, where):
	blocks = []
	for part in a_list(node.get("elements"), where + ".elements"):
		if part.get("tag") == "img":
			refuse("%s: an image needs a key, which a robot has not" % where)
		blocks.append(("note",) + text_of(part, where + ".elements"))
	return blocks


def read_element_1(node, where):
	tag = node.get("tag")
	if tag == "div":
		return read_div(node, where, 1)
	if tag == "hr":
		return [("rule",)]
	if tag == "markdown":
		if not verdict.is_text(node.get("content")):
			refuse("%s has no content" % where)
		return [("text", "lark_md", node["content"])]
	if tag == "note":
		return read_note(node, where)
	if tag == "action":
		actions = a_list(node.get("actions"), where + ".actions")
		return [("buttons", [read_button(one, where, 1) for one in actions])]
	return refuse("%s: %s" % (where, tag), 11310)


def read_columns_2(node, where):
	blocks = []
	for number, column in enumerate(a_list(node.get("columns"), where + ".columns")):
		here = "%s.columns[%d]" % (where, number)
		if column.get("tag") != "column":
			refuse("%s: %s" % (here, column.get("tag")), 11310)
		only(column, COLUMN_2, here)
		blocks.extend(read_elements(column.get("elements"), here + ".elements", read_element_2))
	return blocks


def read_element_2(node, where):
	tag = node.get("tag")
	if tag not in ELEMENTS_2:
		refuse("%s: %s" % (where, tag), 11310)
	only(node, ELEMENTS_2[tag], where)
	if tag == "div":
		return read_div(node, where, 2)
	if tag == "hr":
		return [("rule",)]
	if tag == "button":
		return [("buttons", [read_button(node, where, 2)])]
	if tag == "column_set":
		return read_columns_2(node, where)
	if not verdict.is_text(node.get("content")):
		refuse("%s has no content" % where)
	return [("text", "lark_md", node["content"])]


def read_elements(elements, where, read_element):
	blocks = []
	for number, node in enumerate(a_list(elements, where)):
		blocks.extend(read_element(node, "%s[%d]" % (where, number)))
	return blocks


def read_header(header, version):
	if not isinstance(header, dict):
		refuse("header is missing")
	if header.get("template", "default") not in COLOURS:
		refuse("header.template")
	if version == 2:
		only(header, HEADER_2, "header")
	dialect, title = text_of(header.get("title"), "header.title", version)
	return dialect, title, header.get("template", "default")


def read_2(card):
	only(card, CARD_2, "card")
	config, body = card.get("config", {}), card.get("body")
	if not isinstance(config, dict) or not isinstance(body, dict):
		refuse("config or body is not an object")
	only(config, CONFIG_2, "config")
	only(body, BODY_2, "body")
	if config.get("update_multi", True) is not True:
		refuse("config.update_multi can only be true")
	return read_elements(body.get("elements"), "body.elements", read_element_2)


def read(card):
	"""The card as people see it; Refused(11246) when the robot would not take it."""
	schema = card.get("schema", "1.0")
	if schema not in ("1.0", "2.0"):
		refuse("schema")
	version = 2 if schema == "2.0" else 1
	dialect, title, colour = read_header(card.get("header"), version)
	if version == 2:
		blocks = read_2(card)
	else:
		if not isinstance(card.get("config", {}), dict):
			refuse("config is not an object")
		blocks = read_elements(card.get("elements"), "elements", read_element_1)
	return Shown("card %s" % schema, title=title, title_dialect=dialect, colour=colour, blocks=blocks)
