/*
 * mac.c: see mac.h.
 */
#include "io/mac.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

bool
ha_mac(const uint8_t key[HA_MAC_KEY_BYTES], const void *data, size_t count, uint8_t mac[HA_MAC_BYTES])
{
	unsigned int length = 0;

	memset(mac, 0, HA_MAC_BYTES);
	if (HMAC(EVP_sha256(), key, HA_MAC_KEY_BYTES, data, count, mac, &length) == NULL)
		return false;
	return length == HA_MAC_BYTES;
}

bool
ha_mac_equal(const uint8_t a[HA_MAC_BYTES], const uint8_t b[HA_MAC_BYTES])
{
	return CRYPTO_memcmp(a, b, HA_MAC_BYTES) == 0;
}

bool
ha_mac_random(void *bytes, size_t count)
{
	uint8_t *to = bytes;
	size_t done = 0;

	while (done < count)
	{
		ssize_t got = getrandom(to + done, count - done, 0);

		if (got < 0 && errno != EINTR)
		{
			memset(bytes, 0, count);
			return false;
		}
		if (got > 0)
			done += (size_t) got;
	}
	return true;
}

void
ha_mac_wipe(void *bytes, size_t count)
{
	OPENSSL_cleanse(bytes, count);
}
