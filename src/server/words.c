/*
 * words.c: see words.h.
 */
#include "server/compat.h"

#include "server/words.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"

HaWords
ha_words_of(HeapTuple tuple, TupleDesc form, int column)
{
	HaWords		words = {0};
	Datum	   *datum;
	bool	   *null;
	bool		is_null;
	Datum		array = SPI_getbinval(tuple, form, column, &is_null);

	if (is_null)
		return words;
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &datum, &null, &words.count);
	words.word = palloc(sizeof(char *) * Max(words.count, 1));
	for (int i = 0; i < words.count; i++)
		words.word[i] = null[i] ? pstrdup("") : TextDatumGetCString(datum[i]);
	return words;
}

uint32
ha_words_labels(HeapTuple tuple, TupleDesc form, int names, int values, HaLabelText *labels, uint32 most)
{
	HaWords		name = ha_words_of(tuple, form, names);
	HaWords		value = ha_words_of(tuple, form, values);
	uint32		count = (uint32) Min(name.count, value.count);

	count = Min(count, most);
	for (uint32 i = 0; i < count; i++)
		labels[i] = (HaLabelText) {name.word[i], value.word[i]};
	return count;
}
