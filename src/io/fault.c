/*
 * fault.c: see fault.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/fault.h"

static void
fill(HaFault *fault, const char *hint, const char *format, va_list args)
{
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	snprintf(fault->hint, sizeof(fault->hint), "%s", hint != NULL ? hint : "");
}

bool
ha_fault(HaFault *fault, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(fault, hint, format, args);
	va_end(args);
	fault->lasting = false;
	return false;
}

bool
ha_fault_lasting(HaFault *fault, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(fault, hint, format, args);
	va_end(args);
	fault->lasting = true;
	return false;
}

bool
ha_fault_prefix(HaFault *fault, const char *format, ...)
{
	char text[sizeof(fault->text)];
	size_t length;
	va_list args;

	memcpy(text, fault->text, sizeof(text));
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	length = strlen(fault->text);
	snprintf(fault->text + length, sizeof(fault->text) - length, "%s", text);
	return false;
}

void
ha_fault_clean(char *text)
{
	for (char *c = text; *c != '\0'; c++)
	{
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
}
