/*
 * spool.c: see spool.h.
 *
 *     magic, format, count, that many events, CRC-32C of all before it
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/files.h"
#include "io/spool.h"
#include "wire/checksum.h"

#define FORMAT 1
#define HEAD_BYTES 16
#define EVENT_BYTES_MAX 512
#define FILE_BYTES_MAX (HEAD_BYTES + HA_EVENTS_KEPT * EVENT_BYTES_MAX + 4)

static const uint8_t magic[8] = {'p', 'g', 'H', 'A', 'e', 'v', 't', 's'};

bool
ha_spool_write(const char *path, const HaEventRecord *record, uint32_t count, HaFault *fault)
{
	uint8_t *bytes = malloc(FILE_BYTES_MAX);
	HaWriter writer = ha_writer(bytes, FILE_BYTES_MAX);
	bool written;

	if (bytes == NULL)
		return ha_fault(fault, "It is tried again.", "there is no memory for the events of the cluster");
	ha_put_bytes(&writer, magic, sizeof(magic));
	ha_put_u32(&writer, FORMAT);
	ha_put_u32(&writer, count);
	for (uint32_t i = 0; i < count; i++)
		ha_put_event(&writer, &record[i]);
	ha_put_u32(&writer, ha_checksum_crc32c(bytes, writer.used));
	written = !writer.bad && ha_files_write(path, bytes, writer.used, 0600);
	if (!written)
		(void) ha_fault(fault, "Look at the disk, and at the rights of the directory.",
						"the events of the cluster can't be written to \"%s\": %s", path,
						writer.bad ? "one of them breaks its own rules" : strerror(errno));
	free(bytes);
	return written;
}

/* Ascending, as they are kept. */
static int
decode(const uint8_t *bytes, size_t size, HaEventRecord record[HA_EVENTS_KEPT])
{
	HaReader reader = ha_reader(bytes, size < 4 ? 0 : size - 4);
	HaReader end = ha_reader(bytes + reader.size, size - reader.size);
	uint8_t begins[sizeof(magic)];
	uint32_t format, count;

	if (ha_get_u32(&end) != ha_checksum_crc32c(bytes, reader.size) || end.bad)
		return -1;
	ha_get_bytes(&reader, begins, sizeof(begins));
	format = ha_get_u32(&reader);
	count = ha_get_u32_max(&reader, HA_EVENTS_KEPT);
	if (memcmp(begins, magic, sizeof(magic)) != 0 || format != FORMAT)
		return -1;
	for (uint32_t i = 0; i < count; i++)
	{
		ha_get_event(&reader, &record[i]);
		reader.bad |= i > 0 && ha_event_compare(&record[i - 1].key, &record[i].key) >= 0;
	}
	return ha_reader_done(&reader) ? (int) count : -1;
}

int
ha_spool_read(const char *path, HaEventRecord record[HA_EVENTS_KEPT], HaFault *fault)
{
	static const char hint[] = "What was not told before the last stop is lost; the file is written anew.";
	size_t size;
	int count;
	char *bytes = ha_files_read(path, FILE_BYTES_MAX, &size);

	if (bytes == NULL && errno == ENOENT)
		return 0;
	if (bytes == NULL)
	{
		(void) ha_fault(fault, hint, "the events of the cluster can't be read from \"%s\": %s", path, strerror(errno));
		return -1;
	}
	count = decode((const uint8_t *) bytes, size, record);
	free(bytes);
	if (count < 0)
		(void) ha_fault(fault, hint, "the events of the cluster in \"%s\" are damaged, or of another version", path);
	return count;
}
