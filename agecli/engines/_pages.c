/* A column of few values as Parquet has it: its values once, and for each row a place among them; for pages.py,
   which does the same without this.

   Values are told apart by their bits. A page has the levels of definition (Arrow's bits of validity as they are) and the
   places as one run, each with as many bits as the last place needs; both as Parquet's hybrid of runs and packed bits. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Parquet's values are little-endian, and so must the machine's be here; pages.py does without"
#endif

#define MOST 32768 /* values; a place and one fit into 16 bits */
#define NO_ROOM UINT32_MAX
#define LONG_TEXT ((uint64_t)0xFF << 56)

enum { PAYS, PAYS_NOT, UNSOUND, NO_MEMORY };

/* the rows of an Arrow column, from `first` on */
typedef struct {
    const uint8_t *valid; /* NULL: no row is NULL */
    const uint8_t *data;
    const int32_t *offsets; /* NULL: values of `width` bytes */
    size_t first, rows, width, data_size;
} Column;

/* values by the order in which they were met, and where a hash leads to them: the place and one, 0 for none */
typedef struct {
    uint64_t *keys;           /* a value's bits, a short text with its length, else a hash under LONG_TEXT */
    uint32_t *begins, *sizes; /* of texts */
    uint16_t *slots;
    uint32_t entries, room, bits;
    size_t bytes; /* of all values as Parquet writes them */
} Values;

static uint64_t valid_bits(const Column *c, size_t at, size_t count)
{
    uint64_t all = count == 64 ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1, found;
    if (!c->valid)
        return all;
    size_t begin = c->first + at, shift = begin & 7;
    uint8_t bytes[16] = {0};
    memcpy(bytes, c->valid + (begin >> 3), (shift + count + 7) / 8);
    memcpy(&found, bytes, 8);
    if (shift)
        found = found >> shift | (uint64_t)bytes[8] << (64 - shift);
    return found & all;
}

static size_t valid_count(const Column *c)
{
    size_t found = 0;
    for (size_t at = 0; at < c->rows; at += 64)
        found += (size_t)__builtin_popcountll(valid_bits(c, at, c->rows - at < 64 ? c->rows - at : 64));
    return found;
}

static unsigned bits_for(size_t entries)
{
    unsigned bits = 1;
    while ((size_t)1 << bits < entries)
        bits++;
    return bits;
}

/* whether values and places are smaller than the plain values by a tenth or more */
static int pays(size_t bytes, size_t entries, size_t count, size_t plain)
{
    return (bytes * 8 + count * bits_for(entries)) * 10 <= plain * 72;
}

static size_t slot_of(uint64_t key, unsigned bits)
{
    return (size_t)(key * 0x9E3779B97F4A7C15u >> (64 - bits));
}

static int start(Values *v)
{
    v->bits = 12;
    v->room = 1 << 9; /* an eighth of the slots: most values are where their hash leads */
    v->slots = calloc((size_t)1 << v->bits, sizeof *v->slots);
    v->keys = malloc(v->room * sizeof *v->keys);
    v->begins = malloc(v->room * sizeof *v->begins);
    v->sizes = malloc(v->room * sizeof *v->sizes);
    return v->slots && v->keys && v->begins && v->sizes;
}

static void finish(Values *v)
{
    free(v->slots);
    free(v->keys);
    free(v->begins);
    free(v->sizes);
}

static int widen(void **array, size_t bytes)
{
    void *grown = realloc(*array, bytes);
    if (grown)
        *array = grown;
    return grown != NULL;
}

static int grow(Values *v)
{
    uint16_t *slots = calloc((size_t)2 << v->bits, sizeof *slots);
    if (!slots)
        return 0;
    free(v->slots);
    v->slots = slots;
    v->bits++;
    v->room *= 2;
    size_t mask = ((size_t)1 << v->bits) - 1;
    for (uint32_t i = 0; i < v->entries; i++) {
        size_t slot = slot_of(v->keys[i], v->bits);
        while (slots[slot])
            slot = (slot + 1) & mask;
        slots[slot] = (uint16_t)(i + 1);
    }
    return widen((void **)&v->keys, v->room * sizeof *v->keys) && widen((void **)&v->begins, v->room * sizeof *v->begins) &&
           widen((void **)&v->sizes, v->room * sizeof *v->sizes);
}

static uint64_t text_key(const uint8_t *text, size_t size, const uint8_t *end)
{
    uint64_t word = 0;
    if (size < 8) {
        if (end - text >= 8) {
            memcpy(&word, text, 8);
            word &= ((uint64_t)1 << 8 * size) - 1;
        } else {
            memcpy(&word, text, size);
        }
        return word | (uint64_t)size << 56;
    }
    uint64_t hash = size;
    for (size_t at = 0; at + 8 <= size; at += 8) {
        memcpy(&word, text + at, 8);
        hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
    }
    memcpy(&word, text + size - 8, 8);
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    return (hash ^ hash >> 32) | LONG_TEXT;
}

/* the place of a value; `begin` and `size` say where a text is */
static inline uint32_t place_of(Values *v, const Column *c, uint64_t key, uint32_t begin, uint32_t size)
{
    size_t mask = ((size_t)1 << v->bits) - 1, slot = slot_of(key, v->bits);
    for (; v->slots[slot]; slot = (slot + 1) & mask) {
        uint32_t i = v->slots[slot] - 1u;
        if (v->keys[i] == key && (!c->offsets || key < LONG_TEXT ||
                                  (v->sizes[i] == size && !memcmp(c->data + v->begins[i], c->data + begin, size))))
            return i;
    }
    if (v->entries == v->room)
        return NO_ROOM;
    uint32_t i = v->entries++;
    v->keys[i] = key;
    v->begins[i] = begin;
    v->sizes[i] = size;
    v->slots[slot] = (uint16_t)(i + 1);
    v->bytes += c->offsets ? 4 + (size_t)size : c->width;
    return i;
}

static int note(Values *v, const Column *c, uint64_t key, uint32_t begin, uint32_t size, uint16_t *place, size_t count,
                size_t plain)
{
    uint32_t found;
    while ((found = place_of(v, c, key, begin, size)) == NO_ROOM) {
        if (v->room >= MOST || !pays(v->bytes, v->entries, count, plain))
            return PAYS_NOT;
        if (!grow(v))
            return NO_MEMORY;
    }
    *place = (uint16_t)found;
    return PAYS;
}

/* the places of all values; made three times, for texts and for both widths of numbers */
static inline __attribute__((always_inline)) int collect(Values *v, const Column *c, uint16_t *places, size_t count,
                                                         size_t plain, int texts, size_t width)
{
    const uint16_t *slots = v->slots;
    const uint64_t *keys = v->keys;
    const uint8_t *data = c->data + c->first * width;
    unsigned bits = v->bits;
    for (size_t at = 0; at < c->rows; at += 64) {
        uint64_t left = valid_bits(c, at, c->rows - at < 64 ? c->rows - at : 64);
        for (; left; left &= left - 1) {
            size_t row = at + (size_t)__builtin_ctzll(left);
            uint64_t key = 0;
            uint32_t begin = 0, size = 0;
            if (texts) {
                int32_t from = c->offsets[c->first + row], to = c->offsets[c->first + row + 1];
                if (from < 0 || to < from || (size_t)to > c->data_size)
                    return UNSOUND;
                begin = (uint32_t)from;
                size = (uint32_t)(to - from);
                key = text_key(c->data + begin, size, c->data + c->data_size);
            } else {
                memcpy(&key, data + row * width, width);
            }
            uint16_t slot = slots[slot_of(key, bits)];
            if (slot && keys[slot - 1] == key && (!texts || key < LONG_TEXT)) {
                *places++ = (uint16_t)(slot - 1);
                continue;
            }
            int told = note(v, c, key, begin, size, places++, count, plain);
            if (told != PAYS)
                return told;
            slots = v->slots;
            keys = v->keys;
            bits = v->bits;
        }
    }
    return pays(v->bytes, v->entries, count, plain) ? PAYS : PAYS_NOT;
}

static int collected(Values *v, const Column *c, uint16_t *places, size_t count, size_t plain)
{
    if (c->offsets)
        return collect(v, c, places, count, plain, 1, 4);
    return c->width == 4 ? collect(v, c, places, count, plain, 0, 4) : collect(v, c, places, count, plain, 0, 8);
}

static uint8_t *varint(uint8_t *to, uint64_t number)
{
    for (; number > 127; number >>= 7)
        *to++ = (uint8_t)(number | 128);
    *to++ = (uint8_t)number;
    return to;
}

static uint8_t *put_levels(uint8_t *to, const Column *c, size_t count)
{
    uint8_t *begin = to;
    to += 4;
    if (count == c->rows) {
        to = varint(to, (uint64_t)count << 1);
        *to++ = 1;
    } else {
        to = varint(to, (uint64_t)(c->rows + 7) / 8 << 1 | 1);
        for (size_t at = 0; at < c->rows; at += 64) {
            size_t many = c->rows - at < 64 ? c->rows - at : 64;
            uint64_t bits = valid_bits(c, at, many);
            memcpy(to, &bits, (many + 7) / 8);
            to += (many + 7) / 8;
        }
    }
    uint32_t size = (uint32_t)(to - begin - 4);
    memcpy(begin, &size, 4);
    return to;
}

/* `places` is filled up with zeros to a multiple of eight */
static uint8_t *put_places(uint8_t *to, const uint16_t *places, size_t count, size_t entries)
{
    unsigned bits = bits_for(entries);
    *to++ = (uint8_t)bits;
    if (entries == 1) {
        to = varint(to, (uint64_t)count << 1);
        *to++ = 0;
        return to;
    }
    size_t groups = (count + 7) / 8;
    to = varint(to, (uint64_t)groups << 1 | 1);
    for (size_t i = 0; i < groups; i++, places += 8, to += bits) {
        uint64_t low = 0, high = 0;
        for (unsigned at = 0; at < 4; at++) {
            low |= (uint64_t)places[at] << at * bits;
            high |= (uint64_t)places[at + 4] << at * bits;
        }
        uint64_t words[2] = {low | high << 4 * bits, high >> (64 - 4 * bits)}; /* of 15 bits at most */
        memcpy(to, words, 16);
    }
    return to;
}

static PyObject *values_of(const Values *v, const Column *c)
{
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)v->bytes);
    if (!made)
        return NULL;
    uint8_t *to = (uint8_t *)PyBytes_AsString(made);
    for (uint32_t i = 0; i < v->entries; i++) {
        if (c->offsets) {
            memcpy(to, &v->sizes[i], 4);
            memcpy(to + 4, c->data + v->begins[i], v->sizes[i]);
            to += 4 + v->sizes[i];
        } else {
            memcpy(to, &v->keys[i], c->width);
            to += c->width;
        }
    }
    return made;
}

static PyObject *encoded(const Column *c)
{
    size_t count = valid_count(c), plain = count * c->width;
    if (c->offsets)
        plain = count * 4 + (size_t)(c->offsets[c->first + c->rows] - c->offsets[c->first]);
    Values v = {0};
    uint16_t *places = malloc((count + 8) * sizeof *places);
    uint8_t *page = malloc(c->rows / 8 + count * 2 + 64);
    PyObject *found = NULL;
    int told = start(&v) && places && page ? PAYS : NO_MEMORY;
    if (told == PAYS) {
        Py_BEGIN_ALLOW_THREADS
        told = count ? collected(&v, c, places, count, plain) : PAYS_NOT;
        Py_END_ALLOW_THREADS
    }
    if (told == PAYS) {
        memset(places + count, 0, 8 * sizeof *places);
        uint8_t *end = put_places(put_levels(page, c, count), places, count, v.entries);
        PyObject *values = values_of(&v, c);
        if (values)
            found = Py_BuildValue("(NIy#)", values, (unsigned)v.entries, (char *)page, (Py_ssize_t)(end - page));
    } else if (told == PAYS_NOT) {
        Py_INCREF(Py_None);
        found = Py_None;
    } else if (told == UNSOUND) {
        PyErr_SetString(PyExc_ValueError, "the texts do not lie within the data");
    } else {
        PyErr_NoMemory();
    }
    finish(&v);
    free(places);
    free(page);
    return found;
}

static PyObject *pages_encode(PyObject *self, PyObject *args)
{
    Py_buffer valid = {0}, data = {0}, offsets = {0};
    Py_ssize_t first, rows;
    int width;
    PyObject *found = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "z*y*z*nni", &valid, &data, &offsets, &first, &rows, &width))
        return NULL;
    int sound = first >= 0 && rows >= 0 && rows < INT32_MAX / 4 && first < INT32_MAX && (width == 4 || width == 8);
    sound = sound && (!valid.buf || valid.len >= (first + rows + 7) / 8);
    if (sound && offsets.buf) {
        const int32_t *o = offsets.buf;
        sound = offsets.len / 4 > first + rows && o[first] >= 0 && o[first + rows] >= o[first];
    } else {
        sound = sound && data.len / width >= first + rows;
    }
    if (sound) {
        Column c = {valid.buf, data.buf, offsets.buf, (size_t)first, (size_t)rows, (size_t)width, (size_t)data.len};
        found = encoded(&c);
    } else {
        PyErr_SetString(PyExc_ValueError, "the column does not fit its buffers");
    }
    PyBuffer_Release(&valid);
    PyBuffer_Release(&data);
    PyBuffer_Release(&offsets);
    return found;
}

/* a run as `put_levels` and `put_places` make them: where it begins, and whether it is one value many times */
typedef struct {
    const uint8_t *from, *end;
    unsigned bits;
    int same;
} Run;

/* whether from here to `end` there is just one run, of `count` values */
static int one_run(Run *run, const uint8_t *from, const uint8_t *end, size_t count, unsigned bits)
{
    uint64_t head = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (from == end || shift > 28)
            return 0;
        head |= (uint64_t)(*from & 127) << shift;
        if (!(*from++ & 128))
            break;
    }
    run->from = from;
    run->end = end;
    run->bits = bits;
    run->same = !(head & 1);
    size_t size = run->same ? (bits + 7) / 8 : (size_t)(head >> 1) * bits;
    return head >> 1 == (run->same ? count : (count + 7) / 8) && (size_t)(end - from) == size;
}

static inline uint32_t place_in(const Run *run, size_t i)
{
    size_t bit = run->same ? 0 : i * run->bits;
    const uint8_t *from = run->from + (bit >> 3);
    uint32_t word = 0;
    if (run->end - from >= 4)
        memcpy(&word, from, 4);
    else
        memcpy(&word, from, (size_t)(run->end - from));
    return word >> (bit & 7) & ((1u << run->bits) - 1);
}

/* the values, of 4 bytes each, of rows that are not NULL; false where a place is none of `entries` */
static int spread(const Column *c, const Run *run, const uint32_t *values, size_t entries, uint32_t *to)
{
    size_t i = 0;
    for (size_t at = 0; at < c->rows; at += 64) {
        uint64_t left = valid_bits(c, at, c->rows - at < 64 ? c->rows - at : 64);
        for (; left; left &= left - 1) {
            uint32_t place = place_in(run, i++);
            if (place >= entries)
                return 0;
            to[at + (size_t)__builtin_ctzll(left)] = values ? values[place] : place;
        }
    }
    return 1;
}

static PyObject *decoded(const uint8_t *page, size_t size, const uint32_t *values, size_t entries, size_t rows)
{
    uint32_t levels = 0;
    Run there, places;
    Column c = {0};
    if (size >= 4)
        memcpy(&levels, page, 4);
    if (size < 4 || levels > size - 4 || size - 4 - levels < 2 || !one_run(&there, page + 4, page + 4 + levels, rows, 1) ||
        (there.same && *there.from != 1))
        Py_RETURN_NONE;
    c.valid = there.same ? NULL : there.from;
    c.rows = rows;
    size_t count = valid_count(&c);
    const uint8_t *from = page + 4 + levels;
    if (!*from || *from > 15 || !one_run(&places, from + 1, page + size, count, *from))
        Py_RETURN_NONE;
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(rows * 4)), *valid = NULL;
    if (!made)
        return NULL;
    uint32_t *to = (uint32_t *)(void *)PyBytes_AsString(made);
    int sound;
    Py_BEGIN_ALLOW_THREADS
    memset(to, 0, rows * 4);
    sound = spread(&c, &places, values, entries, to);
    Py_END_ALLOW_THREADS
    if (!sound)
        PyErr_SetString(PyExc_ValueError, "a place lies beyond the values");
    else
        valid = c.valid ? PyBytes_FromStringAndSize((const char *)c.valid, (Py_ssize_t)((rows + 7) / 8)) : Py_NewRef(Py_None);
    if (!valid) {
        Py_DECREF(made);
        return NULL;
    }
    return Py_BuildValue("(NN)", valid, made);
}

static PyObject *pages_decode(PyObject *self, PyObject *args)
{
    Py_buffer page = {0}, values = {0};
    Py_ssize_t entries, rows;
    PyObject *found = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*z*nn", &page, &values, &entries, &rows))
        return NULL;
    if (rows >= 0 && rows < INT32_MAX / 4 && entries >= 0 && (!values.buf || values.len / 4 >= entries))
        found = decoded(page.buf, (size_t)page.len, values.buf, (size_t)entries, (size_t)rows);
    else
        PyErr_SetString(PyExc_ValueError, "the page does not fit its values");
    PyBuffer_Release(&page);
    PyBuffer_Release(&values);
    return found;
}

static PyMethodDef methods[] = {
    {"encode", pages_encode, METH_VARARGS, "The values, how many they are, and a page of places; None where it does not pay."},
    {"decode", pages_decode, METH_VARARGS, "Bits of validity and values of 4 bytes; None for pages of another make."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_pages", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__pages(void)
{
    return PyModule_Create(&module);
}
