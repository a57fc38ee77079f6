/* Texts of a whole Arrow column in one pass: JSON for json_scan.py, distinct texts for memo.py.

   Each JSON text ends in one of three ways. Read: its values are in the columns that come back. Failed: it is not JSON by
   the strict grammar, or null, and its value is NULL. Odd: anything whose meaning takes more than a glance (a key that is not
   ASCII, a key twice, an object where text is wanted, a lone surrogate, deep nesting); json_scan.py asks the exact function
   in Python for those. So this file decides only what it is sure of, and never reads outside [text, end).

   Columns come back as the bytes of Arrow's buffers: 32-bit offsets, bitmaps of validity, data. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define EIGHT_AT_ONCE
#ifdef __SSE2__
#define SIXTEEN_AT_ONCE
#include <emmintrin.h>
#endif
#endif
#define MOST_FIELDS 64
#define DEEPEST 200
#define EXPECTED 16 /* keys of an object that are compared with those of the object before */

typedef const uint8_t *Text;
enum { READ, FAILED, ODD };
enum { VARCHAR = 'v', BIGINT = 'i', BOOLEAN = 'b', NUMBERED = 'n', UNWANTED = '-' };

/* a buffer that grows */
typedef struct {
    uint8_t *bytes;
    size_t size, room;
} Bytes;

static int reserve(Bytes *b, size_t more)
{
    if (b->size + more <= b->room)
        return 1;
    size_t room = (b->size + more) * 2 + 256;
    uint8_t *grown = realloc(b->bytes, room);
    if (!grown)
        return 0;
    b->bytes = grown;
    b->room = room;
    return 1;
}

static int append(Bytes *b, const void *bytes, size_t size)
{
    if (!reserve(b, size))
        return 0;
    if (size)
        memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
    return 1;
}

/* a column as it is made: one offset or number and one validity bit per entry */
typedef struct {
    Bytes values, valid, data;
    size_t entries;
} Column;

static int mark(Column *c, int valid)
{
    if (c->entries % 8 == 0) {
        uint8_t none = 0;
        if (!append(&c->valid, &none, 1))
            return 0;
    }
    if (valid)
        c->valid.bytes[c->entries / 8] |= (uint8_t)(1 << c->entries % 8);
    c->entries++;
    return 1;
}

/* a text whose number is to be found: in the input, or (`at` is NULL) from a place in the column's own data on */
typedef struct {
    Text at;
    size_t from;
    int32_t size; /* -1 for NULL */
} Span;

static void forget(Column *c, size_t entries, size_t values, size_t data)
{
    c->entries = entries;
    c->values.size = values;
    c->data.size = data;
    c->valid.size = (entries + 7) / 8;
    if (entries % 8)
        c->valid.bytes[entries / 8] &= (uint8_t)((1 << entries % 8) - 1);
}

static void release(Column *c)
{
    free(c->values.bytes);
    free(c->valid.bytes);
    free(c->data.bytes);
}

/* ---- the grammar; each function gives where the text goes on, or NULL where it is not JSON */

static inline Text spaces(Text at, Text end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
        at++;
    return at;
}

static inline int hexadecimal(uint8_t c)
{
    uint8_t low = c | 32;
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* From behind the opening quote to behind the closing one. `escaped`: there is a backslash; `ascii`: all bytes are. */
static inline Text string(Text at, Text end, int *escaped, uint8_t *high)
{
    for (;;) {
#if defined(SIXTEEN_AT_ONCE)
        const __m128i quotes = _mm_set1_epi8('"'), slashes = _mm_set1_epi8('\\'), controls = _mm_set1_epi8(0x1F);
        while (end - at >= 16) {
            __m128i word = _mm_loadu_si128((const __m128i *)at);
            __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(word, quotes), _mm_cmpeq_epi8(word, slashes));
            stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_min_epu8(word, controls), word));
            unsigned stops = (unsigned)_mm_movemask_epi8(stop), tops = (unsigned)_mm_movemask_epi8(word);
            if (stops) {
                int before = __builtin_ctz(stops);
                *high |= (tops & ((1u << before) - 1)) != 0;
                at += before;
                goto stopped;
            }
            *high |= tops != 0;
            at += 16;
        }
#elif defined(EIGHT_AT_ONCE)
        const uint64_t ones = 0x0101010101010101ULL, tops = 0x8080808080808080ULL;
        while (end - at >= 8) {
            uint64_t word;
            memcpy(&word, at, 8);
            uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
            uint64_t stop = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((word - ones * 0x20) & ~word)) & tops;
            if (stop) { /* the lowest mark is true, a borrow may have set higher ones */
                int before = __builtin_ctzll(stop) >> 3;
                *high |= (word & tops & ((1ULL << 8 * before) - 1)) != 0;
                at += before;
                goto stopped;
            }
            *high |= (word & tops) != 0;
            at += 8;
        }
#endif
        while (at < end && *at != '"' && *at != '\\' && *at >= 0x20)
            *high |= *at++ >> 7;
#if defined(SIXTEEN_AT_ONCE) || defined(EIGHT_AT_ONCE)
    stopped:
#endif
        if (at >= end)
            return NULL;
        if (*at == '"')
            return at + 1;
        if (*at == '\\') {
            *escaped = 1;
            if (end - at < 2)
                return NULL;
            switch (at[1]) {
            case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
                at += 2;
                break;
            case 'u':
                if (end - at < 6)
                    return NULL;
                for (int i = 2; i < 6; i++)
                    if (hexadecimal(at[i]) < 0)
                        return NULL;
                at += 6;
                break;
            default:
                return NULL;
            }
        } else if (*at < 0x20) {
            return NULL;
        }
    }
}

static inline int digit(Text at, Text end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* `whole`: neither fraction nor exponent */
static Text number(Text at, Text end, int *whole)
{
    *whole = 1;
    if (at < end && *at == '-')
        at++;
    if (!digit(at, end))
        return NULL;
    if (*at == '0')
        at++;
    else
        while (digit(at, end))
            at++;
    if (at < end && *at == '.') {
        *whole = 0;
        if (!digit(++at, end))
            return NULL;
        while (digit(at, end))
            at++;
    }
    if (at < end && (*at | 32) == 'e') {
        *whole = 0;
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        if (!digit(at, end))
            return NULL;
        while (digit(at, end))
            at++;
    }
    return at;
}

static Text word(Text at, Text end, const char *wanted, Py_ssize_t size)
{
    return end - at >= size && !memcmp(at, wanted, (size_t)size) ? at + size : NULL;
}

/* Any value, looked at for its grammar only. */
static Text skip(Text at, Text end, int depth, int *odd)
{
    int escaped = 0, whole;
    uint8_t high = 0, closing;
    if (depth > DEEPEST) {
        *odd = 1;
        return NULL;
    }
    if (at >= end)
        return NULL;
    switch (*at) {
    case '"':
        return string(at + 1, end, &escaped, &high);
    case 't':
        return word(at, end, "true", 4);
    case 'f':
        return word(at, end, "false", 5);
    case 'n':
        return word(at, end, "null", 4);
    case '{':
    case '[':
        closing = *at == '{' ? '}' : ']';
        at = spaces(at + 1, end);
        if (at < end && *at == closing)
            return at + 1;
        for (;;) {
            if (closing == '}') {
                if (at >= end || *at != '"' || !(at = string(at + 1, end, &escaped, &high)))
                    return NULL;
                at = spaces(at, end);
                if (at >= end || *at != ':')
                    return NULL;
                at = spaces(at + 1, end);
            }
            if (!(at = skip(at, end, depth + 1, odd)))
                return NULL;
            at = spaces(at, end);
            if (at >= end)
                return NULL;
            if (*at == closing)
                return at + 1;
            if (*at != ',')
                return NULL;
            at = spaces(at + 1, end);
        }
    default:
        return number(at, end, &whole);
    }
}

/* ---- values into columns */

static int32_t code_unit(Text at)
{
    return hexadecimal(at[2]) << 12 | hexadecimal(at[3]) << 8 | hexadecimal(at[4]) << 4 | hexadecimal(at[5]);
}

/* Text between quotes with escapes, which `string` has looked at, as UTF-8; 0 for no memory, sets `odd`. */
static int unescape(Bytes *to, Text at, Text end, int *odd)
{
    if (!reserve(to, (size_t)(end - at)))
        return 0;
    uint8_t *out = to->bytes + to->size; /* never longer than what was written */
    while (at < end) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
        const char *found = at[1] == 'u' ? NULL : strchr(names, at[1]);
        if (at[1] != 'u') {
            *out++ = found ? (uint8_t)meant[found - names] : at[1];
            at += 2;
            continue;
        }
        int32_t code = code_unit(at);
        at += 6;
        if (code >= 0xD800 && code <= 0xDFFF) {
            int32_t next = code < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? code_unit(at) : 0;
            if (next < 0xDC00 || next > 0xDFFF) {
                *odd = 1;
                return 1;
            }
            at += 6;
            code = 0x10000 + ((code - 0xD800) << 10) + (next - 0xDC00);
            *out++ = (uint8_t)(0xF0 | code >> 18);
            *out++ = (uint8_t)(0x80 | (code >> 12 & 63));
        } else if (code < 0x80) {
            *out++ = (uint8_t)code;
            continue;
        } else if (code < 0x800) {
            *out++ = (uint8_t)(0xC0 | code >> 6);
            *out++ = (uint8_t)(0x80 | (code & 63));
            continue;
        } else {
            *out++ = (uint8_t)(0xE0 | code >> 12);
        }
        *out++ = (uint8_t)(0x80 | (code >> 6 & 63));
        *out++ = (uint8_t)(0x80 | (code & 63));
    }
    to->size = (size_t)(out - to->bytes);
    return 1;
}

static int put_null(Column *c, char kind)
{
    static const int64_t zero = 0;
    int32_t offset = (int32_t)c->data.size;
    static const Span none = {NULL, 0, -1};
    if (kind == VARCHAR)
        return mark(c, 0) && append(&c->values, &offset, 4);
    if (kind == NUMBERED)
        return mark(c, 0) && append(&c->values, &none, sizeof none);
    return mark(c, 0) && append(&c->values, &zero, kind == BIGINT ? 8 : kind == BOOLEAN);
}

/* Text as an entry of a column for texts: whole, or where it is, or not at all. */
static int put_text(Column *c, char kind, Text from, Text to, int escaped, int *odd)
{
    int32_t offset = (int32_t)c->data.size;
    if (kind == VARCHAR)
        return mark(c, 1) && append(&c->values, &offset, 4)
            && (escaped ? unescape(&c->data, from, to, odd) : append(&c->data, from, (size_t)(to - from)));
    Span span = {from, c->data.size, (int32_t)(to - from)};
    if (escaped) {
        if (!unescape(&c->data, from, to, odd))
            return 0;
        span.at = NULL;
        span.size = (int32_t)(c->data.size - span.from);
    }
    return mark(c, 1) && (kind == UNWANTED || append(&c->values, &span, sizeof span));
}

static int put_integer(Column *c, Text from, Text to)
{
    int64_t value = 0;
    for (Text at = *from == '-' ? from + 1 : from; at < to; at++)
        value = value * 10 + (*at - '0');
    value = *from == '-' ? -value : value;
    return mark(c, 1) && append(&c->values, &value, 8);
}

/* The scalar at `at` as an entry of the column. Sets `state` to FAILED or ODD where it is none; NULL then. */
static Text put(Column *c, char kind, Text at, Text end, int *state)
{
    int escaped = 0, whole, odd = 0, done = 1, texts = kind == VARCHAR || kind == NUMBERED || kind == UNWANTED;
    uint8_t high = 0;
    Text from = at, to;
    if (at >= end)
        goto failed;
    if (*at == 'n') {
        if (!(to = word(at, end, "null", 4)))
            goto failed;
        done = put_null(c, kind);
    } else if (*at == '"') {
        if (!(to = string(at + 1, end, &escaped, &high)))
            goto failed;
        if (!texts || c->data.size + (size_t)(to - from) > INT32_MAX)
            goto strange;
        done = put_text(c, kind, from + 1, to - 1, escaped, &odd);
        if (odd)
            goto strange;
    } else if (*at == 't' || *at == 'f') {
        if (!(to = *at == 't' ? word(at, end, "true", 4) : word(at, end, "false", 5)))
            goto failed;
        uint8_t truth = *at == 't';
        if (texts)
            done = put_text(c, kind, from, to, 0, &odd);
        else if (kind == BOOLEAN)
            done = mark(c, 1) && append(&c->values, &truth, 1);
        else
            goto strange;
    } else if (*at == '{' || *at == '[') {
        goto strange;
    } else {
        if (!(to = number(at, end, &whole)))
            goto failed;
        if (!whole || kind == BOOLEAN || to - from > 18 || (*from == '-' && from[1] == '0'))
            goto strange;
        done = texts ? put_text(c, kind, from, to, 0, &odd) : put_integer(c, from, to);
    }
    if (!done)
        goto strange;
    return to;
failed:
    *state = FAILED;
    return NULL;
strange:
    *state = ODD;
    return NULL;
}

/* ---- objects */

/* a key as it stood at its place in the object before, from its quote to its colon, and the field that it names */
typedef struct {
    Text at;
    Py_ssize_t size; /* 0: none yet */
    int place;
} Expected;

typedef struct {
    int count;
    Expected expected[EXPECTED]; /* objects of one column mostly have the same keys in the same order */
    const char *names[MOST_FIELDS]; /* in lower case */
    Py_ssize_t sizes[MOST_FIELDS];
    const char *kinds;
    Column *columns;
    Column rows; /* validity of the objects themselves */
} Fields;

static inline int place_of(const Fields *f, Text key, Py_ssize_t size)
{
    for (int i = 0; i < f->count; i++) {
        if (f->sizes[i] != size)
            continue;
        if (!memcmp(key, f->names[i], (size_t)size))
            return i;
        Py_ssize_t at = 0;
        while (at < size) {
            uint8_t c = key[at];
            if ((c >= 'A' && c <= 'Z' ? c | 32 : c) != (uint8_t)f->names[i][at])
                break;
            at++;
        }
        if (at == size)
            return i;
    }
    return -1;
}

static inline int same(Text a, Text b, Py_ssize_t size)
{
#ifdef EIGHT_AT_ONCE
    if (size >= 8 && size <= 16) {
        uint64_t first[2], last[2];
        memcpy(&first[0], a, 8);
        memcpy(&first[1], b, 8);
        memcpy(&last[0], a + size - 8, 8);
        memcpy(&last[1], b + size - 8, 8);
        return !((first[0] ^ first[1]) | (last[0] ^ last[1]));
    }
#endif
    return !memcmp(a, b, (size_t)size);
}

/* From a key's quote to behind its colon; gives the field that it names, or -1. Sets `state` where NULL is given. */
static inline Text key(Fields *f, int nth, Text at, Text end, int *place, int *state)
{
    Expected *expected = nth < EXPECTED ? &f->expected[nth] : NULL;
    if (expected && expected->size && end - at >= expected->size && same(at, expected->at, expected->size)) {
        *place = expected->place;
        return at + expected->size;
    }
    int escaped = 0;
    uint8_t high = 0;
    Text from = at;
    if (at >= end || *at != '"' || !(at = string(at + 1, end, &escaped, &high)))
        return NULL;
    if (escaped || high) {
        *state = ODD;
        return NULL;
    }
    *place = place_of(f, from + 1, at - from - 2);
    at = spaces(at, end);
    if (at >= end || *at++ != ':')
        return NULL;
    if (expected)
        *expected = (Expected){from, at - from, *place};
    return at;
}

/* One object, from its brace on, as an entry of every field's column. */
static Text object(Fields *f, Text at, Text end, int *state)
{
    uint64_t seen = 0;
    int odd = 0;
    *state = FAILED;
    at = spaces(at + 1, end);
    if (at < end && *at == '}') {
        at++;
    } else {
        for (int nth = 0;; nth++) {
            int place;
            if (!(at = key(f, nth, at, end, &place, state)))
                return NULL;
            at = spaces(at, end);
            if (place < 0) {
                if (!(at = skip(at, end, 0, &odd))) {
                    *state = odd ? ODD : FAILED;
                    return NULL;
                }
            } else {
                if (seen >> place & 1) {
                    *state = ODD;
                    return NULL;
                }
                seen |= 1ULL << place;
                if (!(at = put(&f->columns[place], f->kinds[place], at, end, state)))
                    return NULL;
                *state = FAILED;
            }
            at = spaces(at, end);
            if (at >= end)
                return NULL;
            if (*at == '}') {
                at++;
                break;
            }
            if (*at != ',')
                return NULL;
            at = spaces(at + 1, end);
        }
    }
    for (int i = 0; i < f->count; i++)
        if (!(seen >> i & 1) && !put_null(&f->columns[i], f->kinds[i]))
            return NULL;
    if (!mark(&f->rows, 1))
        return NULL;
    *state = READ;
    return at;
}

static int no_object(Fields *f)
{
    for (int i = 0; i < f->count; i++)
        if (!put_null(&f->columns[i], f->kinds[i]))
            return 0;
    return mark(&f->rows, 0);
}

/* An item: an object or null, or (`bare`) a scalar that goes into the only column. */
static Text item(Fields *f, int bare, Text at, Text end, int *state)
{
    Text next;
    if (bare) {
        if ((next = put(&f->columns[0], f->kinds[0], at, end, state)))
            *state = READ;
        return next;
    }
    if (at < end && *at == '{')
        return object(f, at, end, state);
    if (at >= end || *at != 'n') { /* not for here, unless it is no value at all */
        int odd = 0;
        *state = skip(at, end, 0, &odd) || odd ? ODD : FAILED;
        return NULL;
    }
    *state = FAILED;
    if (!(next = word(at, end, "null", 4)))
        return NULL;
    *state = no_object(f) ? READ : ODD;
    return *state == READ ? next : NULL;
}

/* A whole text: an array of items (`many`), or one object. */
static int whole(Fields *f, int many, int bare, Text at, Text end)
{
    int state = FAILED;
    at = spaces(at, end);
    if (at >= end)
        return FAILED;
    if (*at != (many ? '[' : '{')) { /* scalars and the like: not for here, unless they are not JSON at all */
        int odd = 0, null = *at == 'n'; /* which is a NULL array */
        at = skip(at, end, 0, &odd);
        if (null)
            return FAILED;
        return odd || (at && spaces(at, end) == end) ? ODD : FAILED;
    }
    if (!many) {
        if (!(at = object(f, at, end, &state)))
            return state;
        return spaces(at, end) == end ? READ : FAILED;
    }
    at = spaces(at + 1, end);
    if (at < end && *at == ']')
        return spaces(at + 1, end) == end ? READ : FAILED;
    for (;;) {
        if (!(at = item(f, bare, at, end, &state)))
            return state;
        at = spaces(at, end);
        if (at >= end)
            return FAILED;
        if (*at == ']')
            return spaces(at + 1, end) == end ? READ : FAILED;
        if (*at != ',')
            return FAILED;
        at = spaces(at + 1, end);
    }
}

/* ---- distinct texts */

#define AHEAD 64 /* rows whose slots are fetched before they are looked at */
#define SHORT 16 /* bytes of a text that are its key */

/* What tells a text from others of its size: all of its bytes, where they are few, or a hash. */
typedef struct {
    uint64_t a, b;
} Key;

typedef struct {
    Key key;
    int32_t size, number; /* number 0: the slot is free */
} Slot;

/* Texts that were met, numbered from 1 in the order of their coming. */
typedef struct {
    Slot *slots;
    size_t room; /* a power of two, more than twice as many as there are texts */
    int32_t texts, most;
    Py_ssize_t longest;
    Bytes arena, ends; /* all texts one behind the other, and where in the arena each ends */
} Table;

static void drop_table(PyObject *capsule)
{
    Table *table = PyCapsule_GetPointer(capsule, "agecli.texts");
    if (table) {
        free(table->slots);
        free(table->arena.bytes);
        free(table->ends.bytes);
        free(table);
    }
}

/* table(most, longest) -> an empty table for so many texts, none of more bytes than `longest` */
static PyObject *scan_table(PyObject *self, PyObject *args)
{
    int most;
    Py_ssize_t longest;
    (void)self;
    if (!PyArg_ParseTuple(args, "in", &most, &longest))
        return NULL;
    if (most < 1 || most > 1 << 24 || longest < 0 || longest > 1 << 20) {
        PyErr_SetString(PyExc_ValueError, "1 to 2^24 texts of up to 2^20 bytes");
        return NULL;
    }
    Table *table = calloc(1, sizeof *table);
    Slot *slots = calloc(1024, sizeof *slots);
    if (!table || !slots) {
        free(table);
        free(slots);
        return PyErr_NoMemory();
    }
    *table = (Table){slots, 1024, 0, most, longest, {NULL, 0, 0}, {NULL, 0, 0}};
    PyObject *capsule = PyCapsule_New(table, "agecli.texts", drop_table);
    if (!capsule) {
        free(slots);
        free(table);
    }
    return capsule;
}

static inline uint64_t hash_of(Text at, size_t size)
{
    const uint64_t mix = 0x9E3779B97F4A7C15ULL;
    uint64_t hash = size * mix, word;
    for (; size >= 8; at += 8, size -= 8) {
        memcpy(&word, at, 8);
        hash = (hash ^ word) * mix;
        hash ^= hash >> 29;
    }
    word = 0;
    memcpy(&word, at, size);
    hash = (hash ^ word) * mix;
    return hash ^ hash >> 32;
}

static inline uint64_t word_at(Text at, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, at, size);
    return word;
}

static inline Key key_of(Text at, size_t size)
{
    if (size > SHORT)
        return (Key){hash_of(at, size), 0};
    if (size >= 8)
        return (Key){word_at(at, 8), word_at(at + size - 8, 8)};
    if (size >= 4)
        return (Key){word_at(at, 4) | word_at(at + size - 4, 4) << 32, 0};
    return (Key){size ? at[0] | (uint64_t)at[size / 2] << 8 | (uint64_t)at[size - 1] << 16 : 0, 0};
}

static inline size_t place_in(const Table *table, Key key, size_t size)
{
    uint64_t mixed = (key.a ^ (key.b << 29 | key.b >> 35) ^ size << 56) * 0x9E3779B97F4A7C15ULL;
    return (size_t)((mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93ULL >> 24) & (table->room - 1);
}

static int grow(Table *table)
{
    Slot *old = table->slots, *slots = calloc(table->room * 2, sizeof *slots);
    size_t count = table->room;
    if (!slots)
        return 0;
    table->slots = slots;
    table->room = count * 2;
    for (size_t i = 0; i < count; i++) {
        if (!old[i].number)
            continue;
        size_t place = place_in(table, old[i].key, (size_t)old[i].size);
        while (slots[place].number)
            place = (place + 1) & (table->room - 1);
        slots[place] = old[i];
    }
    free(old);
    return 1;
}

/* The number of a text; -1 where it has none. With `learn` new ones get the next while there is room. -2: no memory. */
static inline int32_t number_of(Table *table, Text text, size_t size, Key key, int learn)
{
    size_t mask = table->room - 1, place = place_in(table, key, size);
    for (; table->slots[place].number; place = (place + 1) & mask) {
        const Slot *slot = &table->slots[place];
        if (slot->key.a != key.a || slot->key.b != key.b || (size_t)slot->size != size)
            continue;
        if (size <= SHORT || !memcmp(table->arena.bytes + ((uint64_t *)table->ends.bytes)[slot->number - 1] - size, text, size))
            return slot->number;
    }
    if (!learn || table->texts >= table->most)
        return -1;
    uint64_t ending = table->arena.size + size;
    if (!append(&table->arena, text, size) || !append(&table->ends, &ending, 8))
        return -2;
    table->slots[place] = (Slot){key, (int32_t)size, ++table->texts};
    if ((size_t)table->texts * 2 >= table->room && !grow(table))
        return -2;
    return table->texts;
}

/* The numbers of a column's texts in the place of their spans: 0 for NULL, -1 for a text that has none. */
static int number_spans(Table *table, Column *c)
{
    Key keys[AHEAD];
    for (size_t from = 0; from < c->entries; from += AHEAD) {
        size_t count = c->entries - from < AHEAD ? c->entries - from : AHEAD;
        const Span *spans = (const Span *)c->values.bytes + from;
        for (size_t i = 0; i < count; i++) {
            size_t size = spans[i].size > 0 && spans[i].size <= table->longest ? (size_t)spans[i].size : 0;
            keys[i] = key_of(spans[i].at ? spans[i].at : c->data.bytes + spans[i].from, size);
#ifdef __GNUC__
            __builtin_prefetch(&table->slots[place_in(table, keys[i], size)]);
#endif
        }
        for (size_t i = 0; i < count; i++) { /* a number is written over spans that were read */
            Text text = spans[i].at ? spans[i].at : c->data.bytes + spans[i].from;
            int32_t number = spans[i].size < 0 ? 0 : -1;
            if (spans[i].size >= 0 && spans[i].size <= table->longest)
                number = number_of(table, text, (size_t)spans[i].size, keys[i], 1);
            if (number < -1)
                return 0;
            memcpy(c->values.bytes + 4 * (from + i), &number, 4);
        }
    }
    c->values.size = 4 * c->entries;
    return 1;
}

/* ---- columns in, columns out */

typedef struct {
    Py_buffer offsets, data, valid;
    Py_ssize_t first, rows;
    int has_valid;
} Input;

/* Are the buffers as long as they have to be, and is every offset inside? */
static int sound(const Input *in)
{
    Py_ssize_t last = in->first + in->rows;
    if (in->first < 0 || in->rows < 0 || in->offsets.len / 4 < last + 1 || (in->has_valid && in->valid.len < (last + 7) / 8))
        return 0;
    const int32_t *offsets = in->offsets.buf;
    for (Py_ssize_t i = in->first; i < last; i++)
        if (offsets[i] < 0 || offsets[i + 1] < offsets[i])
            return 0;
    return in->rows == 0 || offsets[last] <= in->data.len;
}

static inline int there(const Input *in, Py_ssize_t i)
{
    return !in->has_valid || (((const uint8_t *)in->valid.buf)[i >> 3] >> (i & 7) & 1);
}

static void finish(Input *in)
{
    PyBuffer_Release(&in->offsets);
    PyBuffer_Release(&in->data);
    if (in->has_valid)
        PyBuffer_Release(&in->valid);
}

static int begin(Input *in, PyObject *valid)
{
    in->has_valid = valid != Py_None;
    if (in->has_valid && PyObject_GetBuffer(valid, &in->valid, PyBUF_SIMPLE) < 0) {
        in->has_valid = 0;
        finish(in);
        return 0;
    }
    if (!sound(in)) {
        finish(in);
        PyErr_SetString(PyExc_ValueError, "the offsets do not fit the data");
        return 0;
    }
    return 1;
}

static PyObject *bytes_of(const Bytes *b)
{
    return PyBytes_FromStringAndSize((const char *)b->bytes, (Py_ssize_t)b->size);
}

static PyObject *column_of(const Column *c)
{
    return Py_BuildValue("(NNN)", bytes_of(&c->valid), bytes_of(&c->values), bytes_of(&c->data));
}

/* All texts of the input; False where memory ran out. */
static int read_all(const Input *in, Fields *f, int many, int bare, int quiet, Column *lists, Bytes *odd)
{
    const int32_t *offsets = in->offsets.buf;
    Text data = in->data.buf;
    for (Py_ssize_t row = 0; row < in->rows; row++) {
        Py_ssize_t i = in->first + row;
        int32_t number = (int32_t)row, start;
        Column *counted = bare ? &f->columns[0] : &f->rows;
        size_t before[MOST_FIELDS][3], objects = f->rows.entries;
        for (int c = 0; c < f->count; c++) {
            before[c][0] = f->columns[c].entries;
            before[c][1] = f->columns[c].values.size;
            before[c][2] = f->columns[c].data.size;
        }
        start = (int32_t)counted->entries;
        int state = there(in, i) ? whole(f, many, bare, data + offsets[i], data + offsets[i + 1]) : FAILED;
        if (state != READ) {
            for (int c = 0; c < f->count; c++)
                forget(&f->columns[c], before[c][0], before[c][1], before[c][2]);
            forget(&f->rows, objects, 0, 0);
            if (!many && !no_object(f))
                return 0;
            if (there(in, i) && (state == ODD || !quiet) && !append(odd, &number, 4))
                return 0;
        }
        if (many && (!mark(lists, state == READ) || !append(&lists->values, &start, 4)))
            return 0;
    }
    return 1;
}

/* read(offsets, data, valid, first, rows, names, kinds, many, bare, quiet, tables)
   -> (lists or None, objects, columns, odd rows): each column is (validity, values, data); `tables` has the table of
   texts of each field of kind NUMBERED, whose values are 32-bit numbers: 0 for NULL, -1 for a text that has none */
static PyObject *scan_read(PyObject *self, PyObject *args)
{
    Input in;
    PyObject *valid, *names, *tables, *found = NULL;
    Fields f;
    Column columns[MOST_FIELDS], lists;
    Table *known[MOST_FIELDS];
    Bytes odd;
    Py_ssize_t kinds;
    int many, bare, quiet, done;
    (void)self;
    memset(&f, 0, sizeof f);
    memset(columns, 0, sizeof columns);
    memset(&lists, 0, sizeof lists);
    memset(&odd, 0, sizeof odd);
    if (!PyArg_ParseTuple(args, "y*y*OnnO!s#pppO!", &in.offsets, &in.data, &valid, &in.first, &in.rows, &PyTuple_Type,
                          &names, &f.kinds, &kinds, &many, &bare, &quiet, &PyTuple_Type, &tables))
        return NULL;
    if (!begin(&in, valid))
        return NULL;
    f.columns = columns;
    f.count = (int)PyTuple_Size(names);
    if (f.count < 1 || f.count > MOST_FIELDS || kinds != f.count || (bare && (!many || f.count != 1))) {
        finish(&in);
        PyErr_SetString(PyExc_ValueError, "names and kinds do not fit");
        return NULL;
    }
    for (int i = 0; i < f.count; i++) {
        f.names[i] = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(names, i), &f.sizes[i]);
        PyObject *table = f.names[i] && f.kinds[i] == NUMBERED ? PyTuple_GetItem(tables, i) : NULL;
        known[i] = table ? PyCapsule_GetPointer(table, "agecli.texts") : NULL;
        if (!f.names[i] || (f.kinds[i] == NUMBERED && !known[i])) {
            finish(&in);
            return NULL;
        }
    }
    Py_BEGIN_ALLOW_THREADS
    done = read_all(&in, &f, many, bare, quiet, &lists, &odd);
    int32_t last = (int32_t)(bare ? columns[0].entries : f.rows.entries);
    done = done && (!many || append(&lists.values, &last, 4));
    for (int i = 0; done && i < f.count; i++)
        if (f.kinds[i] == VARCHAR) {
            int32_t size = (int32_t)columns[i].data.size;
            done = columns[i].data.size <= INT32_MAX && append(&columns[i].values, &size, 4);
        } else if (f.kinds[i] == NUMBERED) {
            done = number_spans(known[i], &columns[i]);
        }
    Py_END_ALLOW_THREADS
    if (done) {
        PyObject *each = PyTuple_New(f.count);
        for (int i = 0; each && i < f.count; i++)
            PyTuple_SetItem(each, i, column_of(&columns[i]));
        found = Py_BuildValue("(NNNN)", column_of(&lists), bytes_of(&f.rows.valid), each, bytes_of(&odd));
    } else {
        PyErr_NoMemory();
    }
    for (int i = 0; i < f.count; i++)
        release(&columns[i]);
    release(&lists);
    release(&f.rows);
    free(odd.bytes);
    finish(&in);
    return found;
}

/* Items of the array that a text begins with, whatever follows it; -1 where there is none. */
static int64_t items(Text at, Text end, int *odd)
{
    int64_t count = 0;
    at = spaces(at, end);
    if (at >= end || *at != '[')
        return -1; /* another value, or none: not an array in either case */
    at = spaces(at + 1, end);
    if (at < end && *at == ']')
        return 0;
    for (;;) {
        if (!(at = skip(at, end, 0, odd)))
            return -1;
        count++;
        at = spaces(at, end);
        if (at >= end)
            return -1;
        if (*at == ']')
            return count;
        if (*at != ',')
            return -1;
        at = spaces(at + 1, end);
    }
}

/* lengths(offsets, data, valid, first, rows) -> ((validity, values, data), odd rows) */
static PyObject *scan_lengths(PyObject *self, PyObject *args)
{
    Input in;
    PyObject *valid, *found = NULL;
    Column counts;
    Bytes odd;
    int done = 1;
    (void)self;
    memset(&counts, 0, sizeof counts);
    memset(&odd, 0, sizeof odd);
    if (!PyArg_ParseTuple(args, "y*y*Onn", &in.offsets, &in.data, &valid, &in.first, &in.rows))
        return NULL;
    if (!begin(&in, valid))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    const int32_t *offsets = in.offsets.buf;
    Text data = in.data.buf;
    for (Py_ssize_t row = 0; done && row < in.rows; row++) {
        Py_ssize_t i = in.first + row;
        int strange = 0;
        int32_t number = (int32_t)row;
        int64_t count = there(&in, i) ? items(data + offsets[i], data + offsets[i + 1], &strange) : -1;
        done = mark(&counts, count >= 0) && append(&counts.values, &count, 8) && (!strange || append(&odd, &number, 4));
    }
    Py_END_ALLOW_THREADS
    found = done ? Py_BuildValue("(NN)", column_of(&counts), bytes_of(&odd)) : PyErr_NoMemory();
    release(&counts);
    free(odd.bytes);
    finish(&in);
    return found;
}

/* ---- tables of texts, for memo.py and dictionary.py */

/* texts(table, known) -> (offsets, data) of the texts numbered from known + 1 on */
static PyObject *scan_texts(PyObject *self, PyObject *args)
{
    PyObject *capsule, *found = NULL;
    int known;
    Bytes offsets;
    (void)self;
    memset(&offsets, 0, sizeof offsets);
    if (!PyArg_ParseTuple(args, "Oi", &capsule, &known))
        return NULL;
    const Table *table = PyCapsule_GetPointer(capsule, "agecli.texts");
    if (!table)
        return NULL;
    if (known < 0 || known > table->texts) {
        PyErr_SetString(PyExc_ValueError, "there are not so many texts");
        return NULL;
    }
    const uint64_t *ends = (const uint64_t *)table->ends.bytes;
    uint64_t start = known ? ends[known - 1] : 0, last = table->texts ? ends[table->texts - 1] : 0;
    int done = last - start <= INT32_MAX;
    for (int32_t i = known; done && i <= table->texts; i++) {
        int32_t offset = i ? (int32_t)(ends[i - 1] - start) : 0;
        done = append(&offsets, &offset, 4);
    }
    const uint8_t *from = table->arena.bytes ? table->arena.bytes + start : (const uint8_t *)"";
    PyObject *data = done ? PyBytes_FromStringAndSize((const char *)from, (Py_ssize_t)(last - start)) : PyErr_NoMemory();
    found = data ? Py_BuildValue("(NN)", bytes_of(&offsets), data) : NULL;
    free(offsets.bytes);
    return found;
}

/* The numbers of all texts of the input; 0 where memory ran out. */
static int number_all(Table *table, const Input *in, int learn, Bytes *numbers, Bytes *rows)
{
    const Py_ssize_t longest = table->longest;
    const int32_t *offsets = in->offsets.buf;
    Text data = in->data.buf;
    Key keys[AHEAD];
    for (Py_ssize_t from = 0; from < in->rows; from += AHEAD) {
        Py_ssize_t count = in->rows - from < AHEAD ? in->rows - from : AHEAD;
        for (Py_ssize_t row = 0; row < count; row++) {
            const int32_t *at = offsets + in->first + from + row;
            size_t size = at[1] - at[0] <= longest ? (size_t)(at[1] - at[0]) : 0;
            keys[row] = key_of(data + at[0], size);
#ifdef __GNUC__
            __builtin_prefetch(&table->slots[place_in(table, keys[row], size)]);
#endif
        }
        for (Py_ssize_t row = 0; row < count; row++) {
            Py_ssize_t i = in->first + from + row;
            int32_t place = (int32_t)(from + row), number = 0, before = table->texts;
            if (there(in, i))
                number = offsets[i + 1] - offsets[i] > longest
                    ? -1
                    : number_of(table, data + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), keys[row], learn);
            if (number == -2 || !append(numbers, &number, 4))
                return 0;
            if ((learn ? table->texts != before : number < 0) && !append(rows, &place, 4))
                return 0;
        }
    }
    return 1;
}

/* numbers(table, offsets, data, valid, first, rows, learn) -> (numbers, rows of texts that are new to it)
   NULL has number 0; what has none has -1. */
static PyObject *scan_numbers(PyObject *self, PyObject *args)
{
    Input in;
    PyObject *capsule, *valid, *found = NULL;
    Bytes numbers, rows;
    int learn;
    (void)self;
    memset(&numbers, 0, sizeof numbers);
    memset(&rows, 0, sizeof rows);
    if (!PyArg_ParseTuple(args, "Oy*y*Onnp", &capsule, &in.offsets, &in.data, &valid, &in.first, &in.rows, &learn))
        return NULL;
    if (!begin(&in, valid))
        return NULL;
    Table *table = PyCapsule_GetPointer(capsule, "agecli.texts");
    if (table && number_all(table, &in, learn, &numbers, &rows))
        found = Py_BuildValue("(NN)", bytes_of(&numbers), bytes_of(&rows));
    else if (table)
        PyErr_NoMemory();
    free(numbers.bytes);
    free(rows.bytes);
    finish(&in);
    return found;
}

static PyMethodDef methods[] = {
    {"table", scan_table, METH_VARARGS, "An empty table of texts."},
    {"texts", scan_texts, METH_VARARGS, "The texts of a table, in the order of their numbers."},
    {"numbers", scan_numbers, METH_VARARGS, "Texts as their numbers in a table."},
    {"read", scan_read, METH_VARARGS, "Objects, or scalars, of all texts as columns."},
    {"lengths", scan_lengths, METH_VARARGS, "Items of the array in each text."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_scan", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__scan(void)
{
    return PyModule_Create(&module);
}
