/* Texts out of Parquet's pages, for text_columns.py: each is copied once, and looked at for UTF-8 as it is.

   What a page says of itself is not trusted: every size and every place is held against the buffers that are there.
   Whatever does not fit is a ValueError. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Parquet's values are little-endian, and so must the machine's be here; Arrow reads where this is not at hand"
#endif

#define SPARE 16 /* bytes behind the texts that may be written, and behind a dictionary's that may be read */
#define HIGH 0x8080808080808080u

enum { SOUND, UNSOUND, MORE };

/* ---- headers: Thrift's compact protocol */

typedef struct {
    const uint8_t *at, *end;
    int told; /* MORE: it goes on behind the end */
} Reader;

enum { TRUE = 1, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT };

static uint64_t varint(Reader *r)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->told || r->at == r->end) {
            r->told = r->told ? r->told : MORE;
            return 0;
        }
        number |= (uint64_t)(*r->at & 127) << shift;
        if (!(*r->at++ & 128))
            return number;
    }
    r->told = UNSOUND;
    return 0;
}

static int64_t zigzag(Reader *r)
{
    uint64_t number = varint(r);
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

static void pass(Reader *r, uint64_t bytes)
{
    if (!r->told && bytes > (uint64_t)(r->end - r->at))
        r->told = bytes > INT32_MAX ? UNSOUND : MORE;
    if (!r->told)
        r->at += bytes;
}

static unsigned byte(Reader *r)
{
    const uint8_t *at = r->at;
    pass(r, 1);
    return r->told ? 0 : *at;
}

/* the next field's type, whose number is `*field`; 0 at the struct's end */
static unsigned next_field(Reader *r, int64_t *field)
{
    unsigned head = byte(r);
    if (!head || r->told)
        return 0;
    *field = head >> 4 ? *field + (head >> 4) : zigzag(r);
    return head & 15;
}

static void skip(Reader *r, unsigned type, int depth)
{
    if (depth > 16)
        r->told = UNSOUND;
    if (r->told)
        return;
    int64_t field = 0;
    uint64_t items;
    unsigned kinds;
    switch (type) {
    case TRUE: case FALSE:
        return;
    case BYTE:
        pass(r, 1);
        return;
    case I16: case I32: case I64:
        varint(r);
        return;
    case DOUBLE:
        pass(r, 8);
        return;
    case BINARY:
        pass(r, varint(r));
        return;
    case LIST: case SET:
        kinds = byte(r);
        items = kinds >> 4 == 15 ? varint(r) : kinds >> 4;
        for (; items && !r->told; items--) {
            if ((kinds & 15) <= FALSE)
                pass(r, 1);
            else
                skip(r, kinds & 15, depth + 1);
        }
        return;
    case STRUCT:
        for (unsigned kind; (kind = next_field(r, &field));)
            skip(r, kind, depth + 1);
        return;
    default:
        r->told = UNSOUND; /* a map is in no header */
    }
}

static void number_into(Reader *r, unsigned type, int32_t *to)
{
    int64_t number = zigzag(r);
    if (!r->told && (type != I32 || number < 0 || number > INT32_MAX))
        r->told = UNSOUND;
    *to = (int32_t)number;
}

/* the numbers of a page's header; -1 for what it does not tell */
typedef struct {
    int32_t kind, whole, packed, values, encoding, levels, nulls, rows, level_bytes, repetition_bytes, compressed;
} Header;

static void read_about(Reader *r, int64_t kind, Header *h)
{
    int64_t field = 0;
    for (unsigned type; (type = next_field(r, &field));) {
        int32_t *to = NULL;
        if (field == 1)
            to = &h->values;
        else if (kind == 8)
            to = field == 2   ? &h->nulls
                 : field == 3 ? &h->rows
                 : field == 4 ? &h->encoding
                 : field == 5 ? &h->level_bytes
                 : field == 6 ? &h->repetition_bytes
                              : NULL;
        else
            to = field == 2 ? &h->encoding : field == 3 && kind == 5 ? &h->levels : NULL;
        if (kind == 8 && field == 7) {
            if (type > FALSE)
                r->told = UNSOUND;
            h->compressed = type == TRUE;
        } else if (to) {
            number_into(r, type, to);
        } else {
            skip(r, type, 0);
        }
    }
}

static PyObject *texts_header(PyObject *self, PyObject *args)
{
    Py_buffer piece = {0};
    (void)self;
    if (!PyArg_ParseTuple(args, "y*", &piece))
        return NULL;
    const uint8_t *begin = piece.buf;
    Reader r = {begin, begin + piece.len, SOUND};
    Header h = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1};
    int64_t field = 0;
    for (unsigned type; (type = next_field(&r, &field));) {
        if (field >= 1 && field <= 3)
            number_into(&r, type, field == 1 ? &h.kind : field == 2 ? &h.whole : &h.packed);
        else if ((field == 5 || field == 7 || field == 8) && type == STRUCT)
            read_about(&r, field, &h);
        else
            skip(&r, type, 0);
    }
    Py_ssize_t size = r.at - begin;
    PyBuffer_Release(&piece);
    if (r.told == MORE)
        Py_RETURN_NONE;
    if (r.told)
        return PyErr_Format(PyExc_ValueError, "the header of a page is none");
    return Py_BuildValue("(n(iiiiiiiiiii))", size, h.kind, h.whole, h.packed, h.values, h.encoding, h.levels, h.nulls,
                         h.rows, h.level_bytes, h.repetition_bytes, h.compressed);
}

/* ---- what compressed bytes say of their size, as far as their decoder holds them to it */

static int64_t snappy_size(const uint8_t *from, size_t size)
{
    Reader r = {from, from + size, SOUND};
    uint64_t whole = varint(&r);
    return r.told || whole > INT32_MAX ? -1 : (int64_t)whole;
}

static int64_t zstd_size(const uint8_t *from, size_t size)
{
    static const uint8_t magic[4] = {0x28, 0xB5, 0x2F, 0xFD}, ids[4] = {0, 1, 2, 4};
    if (size < 6 || memcmp(from, magic, 4))
        return -1;
    unsigned about = from[4], single = about >> 5 & 1, width = about >> 6;
    unsigned bytes = width ? 1u << width : single;
    size_t at = 5 + !single + ids[about & 3];
    uint64_t whole = 0;
    if (!bytes || at + bytes > size)
        return -1;
    memcpy(&whole, from + at, bytes);
    whole += bytes == 2 ? 256 : 0;
    return whole > INT32_MAX ? -1 : (int64_t)whole;
}

static int64_t gzip_size(const uint8_t *from, size_t size)
{
    uint32_t whole;
    if (size < 18)
        return -1;
    memcpy(&whole, from + size - 4, 4);
    return whole > INT32_MAX ? -1 : (int64_t)whole;
}

static size_t lz4_length(const uint8_t *from, size_t size, size_t *at, size_t length)
{
    if (length == 15)
        do {
            if (*at == size)
                return SIZE_MAX;
            length += from[*at];
        } while (from[(*at)++] == 255);
    return length;
}

/* LZ4 tells nothing: the lengths of all its sequences */
static int64_t lz4_size(const uint8_t *from, size_t size)
{
    uint64_t whole = 0;
    for (size_t at = 0; at < size;) {
        unsigned token = from[at++];
        size_t literals = lz4_length(from, size, &at, token >> 4);
        if (literals > size - at)
            return -1;
        at += literals;
        whole += literals;
        if (at == size)
            return whole > INT32_MAX ? -1 : (int64_t)whole;
        if (size - at < 2)
            return -1;
        at += 2;
        size_t match = lz4_length(from, size, &at, token & 15);
        if (match == SIZE_MAX)
            return -1;
        whole += match + 4;
    }
    return -1;
}

static PyObject *texts_whole(PyObject *self, PyObject *args)
{
    const char *codec;
    Py_buffer page = {0};
    int64_t whole = -1;
    (void)self;
    if (!PyArg_ParseTuple(args, "sy*", &codec, &page))
        return NULL;
    const uint8_t *from = page.buf;
    size_t size = (size_t)page.len;
    if (!strcmp(codec, "SNAPPY"))
        whole = snappy_size(from, size);
    else if (!strcmp(codec, "ZSTD"))
        whole = zstd_size(from, size);
    else if (!strcmp(codec, "GZIP"))
        whole = gzip_size(from, size);
    else if (!strcmp(codec, "LZ4"))
        whole = lz4_size(from, size);
    PyBuffer_Release(&page);
    return PyLong_FromLongLong(whole);
}

/* ---- Parquet's hybrid of runs and packed bits */

/* a run of `count` values: one of them many times (`value`), or each in `bits` bits from `from` on */
typedef struct {
    const uint8_t *from;
    uint32_t value;
    size_t count;
    int same;
} Run;

static int next_run(Reader *r, unsigned bits, Run *run)
{
    uint64_t head = varint(r);
    if (r->told || head >> 1 == 0 || head >> 1 > INT32_MAX)
        return UNSOUND;
    run->same = !(head & 1);
    run->from = r->at;
    run->value = 0;
    run->count = run->same ? (size_t)(head >> 1) : (size_t)(head >> 1) * 8;
    pass(r, run->same ? (bits + 7) / 8 : (head >> 1) * bits);
    if (r->told)
        return UNSOUND;
    if (run->same) {
        memcpy(&run->value, run->from, (bits + 7) / 8);
        if (bits < 32 && run->value >> bits)
            return UNSOUND;
    }
    return SOUND;
}

static unsigned bit(const uint8_t *bits, size_t at)
{
    return bits[at >> 3] >> (at & 7) & 1;
}

/* bits that are all zero become those of `from`; NULL: ones */
static void put_bits(uint8_t *to, size_t at, const uint8_t *from, size_t first, size_t count)
{
    for (; count && at & 7; at++, first++, count--)
        to[at >> 3] |= (uint8_t)((from ? bit(from, first) : 1) << (at & 7));
    size_t bytes = count >> 3, shift = first & 7;
    if (!from)
        memset(to + (at >> 3), 0xFF, bytes);
    else if (!shift)
        memcpy(to + (at >> 3), from + (first >> 3), bytes);
    else
        for (size_t i = 0; i < bytes; i++)
            to[(at >> 3) + i] = (uint8_t)(from[(first >> 3) + i] >> shift | from[(first >> 3) + i + 1] << (8 - shift));
    at += bytes * 8;
    first += bytes * 8;
    for (count &= 7; count; at++, first++, count--)
        to[at >> 3] |= (uint8_t)((from ? bit(from, first) : 1) << (at & 7));
}

static size_t ones(const uint8_t *bits, size_t first, size_t count)
{
    size_t found = 0;
    for (; count && first & 7; first++, count--)
        found += bit(bits, first);
    for (; count >= 64; first += 64, count -= 64) {
        uint64_t word;
        memcpy(&word, bits + (first >> 3), 8);
        found += (size_t)__builtin_popcountll(word);
    }
    for (; count; first++, count--)
        found += bit(bits, first);
    return found;
}

static PyObject *texts_levels(PyObject *self, PyObject *args)
{
    Py_buffer page = {0};
    Py_ssize_t rows;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*n", &page, &rows))
        return NULL;
    int told = rows < 0 || rows > INT32_MAX ? UNSOUND : SOUND;
    PyObject *made = told ? NULL : PyBytes_FromStringAndSize(NULL, (rows + 7) / 8);
    size_t values = 0;
    if (made) {
        uint8_t *to = (uint8_t *)PyBytes_AsString(made);
        Reader r = {page.buf, (const uint8_t *)page.buf + page.len, SOUND};
        memset(to, 0, (size_t)(rows + 7) / 8);
        for (size_t at = 0; at < (size_t)rows && !told;) {
            Run run;
            told = next_run(&r, 1, &run);
            if (told)
                break;
            size_t count = run.count < (size_t)rows - at ? run.count : (size_t)rows - at;
            if (!run.same || run.value)
                put_bits(to, at, run.same ? NULL : run.from, 0, count);
            at += count;
        }
        values = ones(to, 0, (size_t)rows);
    }
    PyBuffer_Release(&page);
    if (told) {
        Py_XDECREF(made);
        return PyErr_Format(PyExc_ValueError, "levels of definition are none");
    }
    return made ? Py_BuildValue("(Nn)", made, (Py_ssize_t)values) : NULL;
}

static int unpacked(Reader *r, unsigned bits, int32_t *to, size_t count, size_t entries)
{
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (size_t at = 0; at < count;) {
        Run run;
        if (next_run(r, bits, &run))
            return UNSOUND;
        size_t many = run.count < count - at ? run.count : count - at;
        if (run.same && run.value >= entries)
            return UNSOUND;
        for (size_t i = 0; i < many; i++) {
            uint64_t place = run.value;
            if (!run.same) {
                size_t from = i * bits;
                const uint8_t *word = run.from + (from >> 3);
                place = 0;
                memcpy(&place, word, r->end - word < 8 ? (size_t)(r->end - word) : 8);
                place = place >> (from & 7) & mask;
                if (place >= entries)
                    return UNSOUND;
            }
            to[at + i] = (int32_t)place;
        }
        at += many;
    }
    return SOUND;
}

static PyObject *texts_places(PyObject *self, PyObject *args)
{
    Py_buffer page = {0};
    Py_ssize_t count, entries;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*nn", &page, &count, &entries))
        return NULL;
    const uint8_t *from = page.buf;
    int sound = count >= 0 && count <= INT32_MAX && entries >= 0 && entries <= INT32_MAX;
    sound = sound && (page.len ? *from <= 31 : !count);
    PyObject *made = sound ? PyBytes_FromStringAndSize(NULL, count * 4) : NULL;
    if (made && count) {
        int32_t *to = (int32_t *)(void *)PyBytes_AsString(made);
        Reader r = {from + 1, from + page.len, SOUND};
        Py_BEGIN_ALLOW_THREADS
        sound = unpacked(&r, *from, to, (size_t)count, (size_t)entries) == SOUND;
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&page);
    if (!sound) {
        Py_XDECREF(made);
        return PyErr_Format(PyExc_ValueError, "places among the words of a dictionary are none");
    }
    return made;
}

/* ---- texts */

/* UTF-8 by table 3-7 of the Unicode standard, as an automaton. A state is the number of the bits in a byte's row at which
   the next state stands: between two characters, before one to three bytes more, or behind a byte that allows only some. */
enum { WRONG = 0, BETWEEN = 6, ONE = 12, TWO = 18, THREE = 24, E0 = 30, ED = 36, F0 = 42, F4 = 48 };

#define STEP(from, to) ((uint64_t)(to) << (from))
#define REST (STEP(ONE, BETWEEN) | STEP(TWO, ONE) | STEP(THREE, TWO))

static const uint64_t after[256] = {
    [0x00 ... 0x7F] = STEP(BETWEEN, BETWEEN),
    [0x80 ... 0x8F] = REST | STEP(ED, ONE) | STEP(F4, TWO),
    [0x90 ... 0x9F] = REST | STEP(ED, ONE) | STEP(F0, TWO),
    [0xA0 ... 0xBF] = REST | STEP(E0, ONE) | STEP(F0, TWO),
    [0xC2 ... 0xDF] = STEP(BETWEEN, ONE),
    [0xE0] = STEP(BETWEEN, E0),
    [0xE1 ... 0xEC] = STEP(BETWEEN, TWO),
    [0xED] = STEP(BETWEEN, ED),
    [0xEE ... 0xEF] = STEP(BETWEEN, TWO),
    [0xF0] = STEP(BETWEEN, F0),
    [0xF1 ... 0xF3] = STEP(BETWEEN, THREE),
    [0xF4] = STEP(BETWEEN, F4),
};

static int is_utf8(const uint8_t *text, size_t size)
{
    uint64_t state = BETWEEN, words[2];
    size_t i = 0;
    for (; i + 16 <= size; i += 16) {
        memcpy(words, text + i, 16);
        if (((words[0] | words[1]) & HIGH) || (state & 63) != BETWEEN)
            for (size_t at = i; at < i + 16; at++)
                state = after[text[at]] >> (state & 63);
    }
    for (; i < size; i++)
        state = after[text[i]] >> (state & 63);
    return (state & 63) == BETWEEN;
}

typedef uint64_t Vector __attribute__((vector_size(16)));

static inline Vector moved(uint8_t *to, const uint8_t *from)
{
    Vector v;
    memcpy(&v, from, sizeof v);
    memcpy(to, &v, sizeof v);
    return v;
}

/* copies a text, and says whether any of its bytes is none of ASCII; `spare`: there is room behind both */
static inline int copied(uint8_t *to, const uint8_t *from, size_t size, int spare)
{
    static const uint8_t highs[32] = {[0 ... 15] = 0x80};
    Vector a = {0}, b = {0};
    size_t i = 0;
    for (; i + 32 <= size; i += 32) {
        a |= moved(to + i, from + i);
        b |= moved(to + i + 16, from + i + 16);
    }
    if (i + 16 <= size) {
        a |= moved(to + i, from + i);
        i += 16;
    }
    a |= b;
    uint64_t high = (a[0] | a[1]) & HIGH;
    if (i == size)
        return high != 0;
    if (spare) {
        Vector mask;
        memcpy(&mask, highs + 16 - (size - i), sizeof mask);
        a = moved(to + i, from + i) & mask;
        return (high | a[0] | a[1]) != 0;
    }
    for (; i < size; i++) {
        to[i] = from[i];
        high |= from[i] & 0x80u;
    }
    return high != 0;
}

/* some rows of a page, and where they come in a column of texts */
typedef struct {
    const uint8_t *bits; /* of the page's rows: which have values; NULL: all */
    size_t row, rows;    /* of the page */
    int32_t *offsets;    /* from the first of them on */
    uint8_t *data;
    size_t used, room;
    int sure; /* whether all texts are UTF-8 */
} Rows;

static int has(const Rows *c, size_t i)
{
    return !c->bits || bit(c->bits, c->row + i);
}

/* how many bytes so many texts are from here on; SIZE_MAX where they are not there */
static size_t plain_bytes(const uint8_t *at, const uint8_t *end, size_t values)
{
    size_t bytes = 0;
    for (; values; values--) {
        uint32_t size;
        if (end - at < 4)
            return SIZE_MAX;
        memcpy(&size, at, 4);
        at += 4;
        if (size > (size_t)(end - at))
            return SIZE_MAX;
        at += size;
        bytes += size;
    }
    return bytes;
}

/* the rows, each text behind its size; where the next one begins, NULL where they are not there */
static const uint8_t *plain(Rows *c, const uint8_t *at, const uint8_t *end)
{
    for (size_t i = 0; i < c->rows; i++) {
        c->offsets[i] = (int32_t)c->used;
        if (!has(c, i))
            continue;
        uint32_t size;
        if (end - at < 4)
            return NULL;
        memcpy(&size, at, 4);
        at += 4;
        if (size > (size_t)(end - at))
            return NULL;
        if (copied(c->data + c->used, at, size, (size_t)(end - at) - size >= SPARE) && c->sure)
            c->sure = is_utf8(at, size);
        at += size;
        c->used += size;
    }
    c->offsets[c->rows] = (int32_t)c->used;
    return at;
}

static void words(Rows *c, const int32_t *places, const int32_t *begins, const uint8_t *data)
{
    for (size_t i = 0; i < c->rows; i++) {
        c->offsets[i] = (int32_t)c->used;
        if (!has(c, i))
            continue;
        size_t begin = (size_t)begins[*places], size = (size_t)begins[*places + 1] - begin;
        places++;
        (void)copied(c->data + c->used, data + begin, size, 1);
        c->used += size;
    }
    c->offsets[c->rows] = (int32_t)c->used;
}

static PyObject *texts_dictionary(PyObject *self, PyObject *args)
{
    Py_buffer page = {0};
    Py_ssize_t entries;
    PyObject *begins = NULL, *data = NULL;
    Rows c = {.sure = 1};
    (void)self;
    if (!PyArg_ParseTuple(args, "y*n", &page, &entries))
        return NULL;
    const uint8_t *from = page.buf, *end = from + page.len, *at = NULL;
    if (entries >= 0 && entries <= page.len / 4 && page.len <= INT32_MAX) {
        begins = PyBytes_FromStringAndSize(NULL, (entries + 1) * 4);
        data = PyBytes_FromStringAndSize(NULL, page.len + SPARE);
        if (begins && data) {
            c.rows = (size_t)entries;
            c.offsets = (int32_t *)(void *)PyBytes_AsString(begins);
            c.data = (uint8_t *)PyBytes_AsString(data);
            at = plain(&c, from, end);
            memset(c.data + c.used, 0, SPARE);
        }
    }
    PyBuffer_Release(&page);
    if (at == end && begins && data)
        return Py_BuildValue("(NNi)", begins, data, c.sure);
    Py_XDECREF(begins);
    Py_XDECREF(data);
    return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "a dictionary is none");
}

/* ---- rows of a page, behind others */

typedef struct {
    Py_buffer page, begins, words, bits, offsets, valid, data;
    Py_ssize_t at, row, rows, first, used;
} Asked;

static void release(Asked *a)
{
    Py_buffer *all[] = {&a->page, &a->begins, &a->words, &a->bits, &a->offsets, &a->valid, &a->data};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        PyBuffer_Release(all[i]);
}

/* whether the rows are within all that was given */
static int within(const Asked *a)
{
    Py_ssize_t most = INT32_MAX;
    if (a->at < 0 || a->row < 0 || a->rows < 0 || a->first < 0 || a->used < 0 || a->row > most || a->rows > most ||
        a->first > most || a->used > most || a->data.len > most)
        return 0;
    if (a->bits.buf && a->bits.len < (a->row + a->rows + 7) / 8)
        return 0;
    if (a->valid.buf ? a->valid.len < (a->first + a->rows + 7) / 8 : a->bits.buf != NULL)
        return 0;
    return a->offsets.len / 4 > a->first + a->rows && a->used <= a->data.len - SPARE && a->at <= a->page.len;
}

/* how many bytes the words have; SIZE_MAX where a place is none, or a word not within the dictionary */
static size_t words_bytes(const Asked *a, size_t values)
{
    const int32_t *places = a->page.buf, *begins = a->begins.buf;
    size_t there = (size_t)a->page.len / 4, entries = (size_t)a->begins.len / 4, at = (size_t)a->at, bytes = 0;
    if (at > there || values > there - at || a->words.len < SPARE)
        return SIZE_MAX;
    for (size_t i = at; i < at + values; i++) {
        if (places[i] < 0 || (size_t)places[i] + 1 >= entries)
            return SIZE_MAX;
        int32_t begin = begins[places[i]], end = begins[places[i] + 1];
        if (begin < 0 || end < begin || end > a->words.len - SPARE)
            return SIZE_MAX;
        bytes += (size_t)(end - begin);
    }
    return bytes;
}

/* how many bytes the texts have; if there is room for all of the page, no more than that; SIZE_MAX: they are not there */
static size_t wanted(const Asked *a, size_t values, size_t room)
{
    if (a->begins.buf)
        return words_bytes(a, values);
    const uint8_t *page = a->page.buf;
    size_t most = (size_t)(a->page.len - a->at);
    return most <= room ? most : plain_bytes(page + a->at, page + a->page.len, values);
}

static PyObject *appended(const Asked *a)
{
    Rows c = {a->bits.buf, (size_t)a->row, (size_t)a->rows, (int32_t *)a->offsets.buf + a->first, a->data.buf,
              (size_t)a->used, (size_t)(a->data.len - SPARE), 1};
    size_t values = c.bits ? ones(c.bits, c.row, c.rows) : c.rows, bytes = wanted(a, values, c.room - c.used);
    if (bytes > (size_t)INT32_MAX - SPARE - c.used)
        return PyErr_Format(PyExc_ValueError, bytes == SIZE_MAX ? "texts are not there" : "texts of 2 GiB at once");
    if (bytes > c.room - c.used)
        return PyLong_FromSize_t(c.used + bytes + SPARE);
    const uint8_t *page = a->page.buf, *next = page;
    Py_BEGIN_ALLOW_THREADS
    if (a->begins.buf)
        words(&c, (const int32_t *)a->page.buf + a->at, a->begins.buf, a->words.buf);
    else
        next = plain(&c, page + a->at, page + a->page.len);
    if (a->valid.buf)
        put_bits(a->valid.buf, (size_t)a->first, c.bits, c.row, c.rows);
    Py_END_ALLOW_THREADS
    if (!next)
        return PyErr_Format(PyExc_ValueError, "texts are not there");
    Py_ssize_t at = a->begins.buf ? a->at + (Py_ssize_t)values : next - page;
    return Py_BuildValue("(nnni)", at, (Py_ssize_t)c.used, (Py_ssize_t)values, c.sure);
}

static PyObject *texts_append(PyObject *self, PyObject *args)
{
    Asked a;
    PyObject *found = NULL;
    (void)self;
    memset(&a, 0, sizeof a);
    if (!PyArg_ParseTuple(args, "(y*z*z*)nz*nnw*z*w*nn", &a.page, &a.begins, &a.words, &a.at, &a.bits, &a.row, &a.rows,
                          &a.offsets, &a.valid, &a.data, &a.first, &a.used))
        return NULL;
    if (!within(&a) || a.offsets.readonly || (a.valid.buf && a.valid.readonly) ||
        !a.begins.buf != !a.words.buf)
        PyErr_SetString(PyExc_ValueError, "the rows do not fit their buffers");
    else
        found = appended(&a);
    release(&a);
    return found;
}

static PyMethodDef methods[] = {
    {"header", texts_header, METH_VARARGS, "The size of the header that begins a piece, and its numbers; None where it goes on."},
    {"whole", texts_whole, METH_VARARGS, "The size that a page will have, which its decoder verifies; -1 where that is not told."},
    {"levels", texts_levels, METH_VARARGS, "Which rows have values, as bits, and how many have."},
    {"places", texts_places, METH_VARARGS, "Places among a dictionary's words, of 4 bytes each."},
    {"dictionary", texts_dictionary, METH_VARARGS, "Where words begin, the words, and whether all are UTF-8."},
    {"append", texts_append, METH_VARARGS, "Puts rows of a page behind others; how much room they need, where there is not enough."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_texts", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__texts(void)
{
    return PyModule_Create(&module);
}
