"""
listen.py: the receiver's ports: connections as streams, with or without TLS, and what may happen to them before a byte
of a protocol is spoken (faults.py).

The certificate that a TLS port shows is chosen for each connection (certificates.py).
"""
import asyncio
import socket
import sys


class Protocol(asyncio.StreamReaderProtocol):
	"""A stream's, which may turn to TLS in the midst of it (STARTTLS)."""

	turned = False

	def eof_received(self):
		return super().eof_received() and not self.turned


class Port:
	"""One listening port. name: http, https, smtp or smtps. serve(reader, writer, port) talks to one client."""

	def __init__(self, name, host, number, serve, app, tls=None):
		self.name = name
		self.serve = serve
		self.app = app
		self.tls = tls				# a function that returns the context to be shown now
		self.held = []
		self.tasks = set()
		self.connections = 0
		self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
		self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		self.socket.bind((host, number))
		self.socket.listen(256)
		self.socket.setblocking(False)
		self.number = self.socket.getsockname()[1]

	async def run(self):
		loop = asyncio.get_running_loop()
		while True:
			client, _ = await loop.sock_accept(self.socket)
			self.connections += 1
			fault = self.app.connection_fault(self.name)
			if fault is None:
				self.begin(self.talk(client))
			elif fault["what"] == "black_hole":
				self.held.append(client)
			else:
				client.close()

	def begin(self, talk):
		task = asyncio.ensure_future(talk)
		self.tasks.add(task)
		task.add_done_callback(self.tasks.discard)

	async def talk(self, client):
		"""A connection from its beginning to its end; whatever the client does, the receiver goes on."""
		loop = asyncio.get_running_loop()
		client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		reader = asyncio.StreamReader(limit=1 << 20)
		protocol = Protocol(reader)
		try:
			transport, _ = await loop.connect_accepted_socket(lambda: protocol, client, ssl=self.tls and self.tls(),
				ssl_handshake_timeout=30 if self.tls else None)
		except OSError:
			client.close()			# the client did not like our certificate, or went
			return
		writer = asyncio.StreamWriter(transport, protocol, reader, loop)
		try:
			await self.serve(reader, writer, self)
		except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
			pass
		except Exception as error:		# a mistake of ours must be seen
			print("receiver: %s: %r" % (self.name, error), file=sys.stderr, flush=True)
			self.app.mistakes += 1
		finally:
			writer.close()
