"""
certificates.py: the certificates that the TLS ports show, made by openssl when the receiver starts.

An authority of the test's own (ca.pem), and signed by it: good (localhost and 127.0.0.1), expired, wrong_name; and
self_signed, by nobody else.
"""
import os
import ssl
import subprocess

NAMES = ("good", "expired", "wrong_name", "self_signed")
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
LEAF = "\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n" \
	"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
HOME = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def openssl(directory, *arguments):
	done = subprocess.run(["openssl", *arguments], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True,
		check=False)
	if done.returncode:
		raise OSError("openssl %s: %s" % (arguments[0], done.stderr.decode("utf-8", "replace").strip()))


def write(path, text):
	with open(path, "w", encoding="ascii") as file:
		file.write(text)


def sign(directory, name, where, *lifetime):
	"""A key and a certificate of the authority."""
	write(os.path.join(directory, name + ".ext"), where + LEAF)
	openssl(directory, "req", *KEY, "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
	openssl(directory, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
		*lifetime, "-extfile", name + ".ext", "-out", name + ".pem")


def make(directory):
	"""Makes them in a directory; returns the path of the authority's."""
	os.makedirs(directory, mode=0o700, exist_ok=True)
	openssl(directory, "req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
		"-subj", "/CN=receiver's authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
	openssl(directory, "req", "-x509", *KEY, "-keyout", "self_signed.key", "-out", "self_signed.pem", "-days", "30",
		"-subj", "/CN=localhost", "-addext", HOME)
	sign(directory, "good", HOME, "-days", "30")
	sign(directory, "wrong_name", "subjectAltName=DNS:elsewhere.invalid", "-days", "30")
	try:
		sign(directory, "expired", HOME, "-not_before", "20200101000000Z", "-not_after", "20200102000000Z")
	except OSError:					# OpenSSL before 3.4 does not know these, and takes a negative number of days
		sign(directory, "expired", HOME, "-days", "-1")
	return os.path.join(directory, "ca.pem")


def contexts(directory):
	"""For each name, what a TLS server shows."""
	found = {}
	for name in NAMES:
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.minimum_version = ssl.TLSVersion.TLSv1_2
		context.load_cert_chain(os.path.join(directory, name + ".pem"), os.path.join(directory, name + ".key"))
		found[name] = context
	return found
