/*
 * reach.c: see reach.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/reach.h"
#include "io/address.h"
#include "io/files.h"
#include "io/process.h"

bool
ha_reach_address(const HaCommand *command, const char *option, const char *text, uint16_t default_port,
				 char host[HA_HOST_SIZE], uint16_t *port)
{
	*port = default_port;
	if (ha_address_split(text, host, port))
		return true;
	ha_command_misuse(command, "--%s: \"%.80s\" is no numeric address%s, such as 10.0.0.1:%s or [fd00::1]:%s", option,
					  text, default_port == 0 ? " with a port" : "", default_port == 0 ? "7432" : "5432",
					  default_port == 0 ? "7432" : "5432");
	return false;
}

/* A witness's state directory: state and key lie side by side, and there is no PostgreSQL. */
static bool
is_witness(const char *directory)
{
	char state[PATH_MAX];
	char version[PATH_MAX];

	return ha_files_path(state, directory, HA_STORE_FILE) && ha_files_exists(state) &&
		ha_files_path(version, directory, "PG_VERSION") && !ha_files_exists(version);
}

static bool
open_witness(HaReach *reach, HaFault *fault)
{
	HaLocal *local = &reach->local;

	if (realpath(reach->places.data, local->state) == NULL)
		return ha_fault(fault, NULL, "\"%s\" can't be found", reach->places.data);
	if (reach->places.key != NULL)
		snprintf(local->key_file, sizeof(local->key_file), "%s", reach->places.key);
	else if (!ha_files_path(local->key_file, local->state, HA_LOCAL_KEY))
		return ha_fault(fault, NULL, "the path is too long");
	local->state_inside = false;
	return ha_local_peek(local, &reach->hard, fault);
}

static bool
open_local(HaReach *reach, HaFault *fault)
{
	const HaMember *self;

	if (is_witness(reach->places.data))
	{
		if (!open_witness(reach, fault))
			return false;
	}
	else if (!ha_local_look(&reach->local, &reach->places, fault) ||
			 !ha_local_peek(&reach->local, &reach->hard, fault))
		return false;
	if (!ha_local_read_key(reach->local.key_file, &reach->contact.key, fault))
		return false;
	reach->is_local = true;
	ha_contact_add_register(&reach->contact, &reach->hard.reg);
	self = ha_register_member(&reach->hard.reg, reach->hard.id);
	if (self != NULL)
		ha_contact_add(&reach->contact, self->peer_host, self->peer_port);
	return true;
}

bool
ha_reach_open(HaReach *reach, const HaCommand *command, HaExit *code)
{
	HaFault fault = {.text = ""};
	char host[HA_HOST_SIZE];
	uint16_t port;

	*code = HA_EXIT_USAGE;
	reach->limit_us = (HaUs) reach->timeout_s * 1000 * HA_US_PER_MS;
	if (reach->through != NULL && reach->places.data != NULL)
	{
		ha_command_misuse(command, "--data and --through are two ways to the cluster: give one");
		return false;
	}
	if (reach->through == NULL && reach->places.data == NULL)
		reach->places.data = getenv("PGDATA");
	if (reach->through == NULL && reach->places.data == NULL)
	{
		ha_command_misuse(command, "no member is named: give --data, or --through and --key");
		return false;
	}
	if (reach->through != NULL)
	{
		if (reach->places.key == NULL)
		{
			ha_command_misuse(command, "--through needs --key");
			return false;
		}
		if (!ha_reach_address(command, "through", reach->through, 0, host, &port))
			return false;
	}
	ha_process_catch_signals();
	*code = HA_EXIT_FAILED;
	if (reach->through != NULL)
	{
		ha_contact_add(&reach->contact, host, port);
		if (ha_local_read_key(reach->places.key, &reach->contact.key, &fault))
			return true;
	}
	else if (open_local(reach, &fault))
		return true;
	ha_command_fail(command, &fault);
	ha_reach_close(reach);
	return false;
}

void
ha_reach_close(HaReach *reach)
{
	ha_contact_end(&reach->contact);
}

const HaMember *
ha_reach_named(const HaRegister *reg, const char *name, HaFault *fault)
{
	char names[512] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		if (strcmp(reg->member[i].name, name) == 0)
			return &reg->member[i];
		used += (size_t) snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "", reg->member[i].name);
	}
	ha_fault(fault, NULL, "no member is called \"%.40s\"; there are %s", name, names);
	return NULL;
}
