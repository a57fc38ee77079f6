/* Values of the members of arrays, for program.py: expressions over them, folded to one value for each array; and values of
   texts by their numbers, for texts.py.

   Members of all arrays of a chunk stand one behind the other. They are computed in blocks of whole arrays, small enough for
   the cache, one operation over the block after the other. Every value has 64 bits: a number, a double, or a truth (0, 1).
   What takes more than a glance, such as a sum beyond its type's range, makes the array odd, and is left to the engine. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512 /* members at once; more where an array alone has more */
#define MOST 64   /* fields, tables, and lists of conditions */

enum {
    CONSTANT, FIELD, FUNCTION, EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, NOT, AND, OR, IS_NULL, COALESCE, CASE,
    LEAST, GREATEST, TO_DOUBLE, SAME, ADD, SUBTRACT, MULTIPLY, DIVIDE, REMAINDER, NEGATE
};
enum { INTEGER, BIGINT, DOUBLE, BOOLEAN };
enum { ABSENT, COUNT, MINIMUM, MAXIMUM, SUM, ANY, NONE, AT, LIST };

/* `kind` is the type of the arguments where they decide, else that of the value */
typedef struct {
    int32_t op, kind, a, b, c;
} Step;

typedef struct {
    int32_t fold, kind, item, chosen; /* a step and a list of conditions, or -1 */
    int64_t value;                    /* where a sum starts, or a place */
} Output;

typedef struct {
    Py_buffer valid, values;
    int width; /* bytes of a value */
} Field;

typedef struct {
    Py_buffer values, null, bad; /* by number: 64 bits, a byte, a byte */
} Values;

typedef struct {
    Py_buffer offsets, valid, steps, outputs, conditions, constants;
    Field fields[MOST];
    Values tables[MOST];
    Py_ssize_t field_count, table_count;
} Input;

typedef union {
    int64_t i;
    double d;
} Lane;

typedef struct {
    uint8_t *bytes;
    size_t size, room;
} Bytes;

/* One output: a value and a bit of validity for each row; of lists the members, and where each ends. */
typedef struct {
    uint8_t *data, *valid;
    Bytes items, nulls;
    int32_t *ends;
    size_t there; /* rows that are not NULL */
} Made;

typedef struct {
    const Input *in;
    const Step *steps;
    Py_ssize_t step_count;
    size_t room; /* members that a block can have */
    Lane *lanes;
    uint8_t *null, *odd, *chosen; /* of each step, of the block, of each list of conditions */
    uint8_t *raises;              /* of each step: is it a constant that raises? */
} Work;

static int append(Bytes *b, const void *bytes, size_t size)
{
    if (b->size + size > b->room) {
        size_t room = (b->size + size) * 2 + 256;
        uint8_t *grown = realloc(b->bytes, room);
        if (!grown)
            return 0;
        b->bytes = grown;
        b->room = room;
    }
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
    return 1;
}

static inline int bit(const uint8_t *bits, size_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
}

/* ---- one step over a block of `n` members, the first of which is member `from` of the chunk */

static void field(Work *w, const Step *s, size_t place, size_t from, size_t n)
{
    const Field *f = &w->in->fields[s->a];
    Lane *out = w->lanes + place * w->room;
    uint8_t *null = w->null + place * w->room;
    for (size_t i = 0; i < n; i++) {
        null[i] = (uint8_t)!bit(f->valid.buf, from + i);
        out[i].i = f->width == 1 ? ((const uint8_t *)f->values.buf)[from + i] : ((const int64_t *)f->values.buf)[from + i];
    }
}

static void function(Work *w, const Step *s, size_t place, size_t from, size_t n)
{
    const int32_t *numbers = (const int32_t *)w->in->fields[s->a].values.buf + from;
    const Values *t = &w->in->tables[s->b];
    const Lane *values = t->values.buf;
    const uint8_t *nulls = t->null.buf, *bad = t->bad.buf;
    Lane *out = w->lanes + place * w->room;
    uint8_t *null = w->null + place * w->room;
    int32_t known = (int32_t)t->null.len;
    for (size_t i = 0; i < n; i++) {
        int32_t number = numbers[i];
        int strange = number < 0 || number >= known;
        number = strange ? 0 : number;
        out[i] = values[number];
        null[i] = nulls[number];
        w->odd[i] |= (uint8_t)(strange | bad[number]);
    }
}

#define COMPARED(OP) \
    if (s->kind == DOUBLE) \
        for (size_t i = 0; i < n; i++) \
            out[i].i = a[i].d OP b[i].d; \
    else \
        for (size_t i = 0; i < n; i++) \
            out[i].i = a[i].i OP b[i].i; \
    break;

static void compared(int op, const Step *s, Lane *restrict out, const Lane *a, const Lane *b, size_t n)
{
    switch (op) {
    case EQUAL: COMPARED(==)
    case UNEQUAL: COMPARED(!=)
    case LESS: COMPARED(<)
    case LESS_EQUAL: COMPARED(<=)
    case GREATER: COMPARED(>)
    default: COMPARED(>=)
    }
}

static inline uint8_t beyond(int64_t value)
{
    return value > INT32_MAX || value < INT32_MIN;
}

/* Sums and the like; what is beyond the type is odd, unless it is NULL anyway. */
static void arithmetic(Work *w, const Step *s, Lane *restrict out, const Lane *a, const Lane *b, const uint8_t *null, size_t n)
{
    uint8_t *restrict odd = w->odd;
    if (s->kind == DOUBLE) {
        for (size_t i = 0; i < n; i++)
            out[i].d = s->op == ADD ? a[i].d + b[i].d : s->op == SUBTRACT ? a[i].d - b[i].d
                     : s->op == MULTIPLY ? a[i].d * b[i].d : a[i].d / b[i].d;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)a[i].i, y = (uint64_t)b[i].i, made;
        uint8_t strange;
        if (s->op == ADD || s->op == SUBTRACT) {
            made = s->op == ADD ? x + y : x - y;
            strange = s->kind == INTEGER ? beyond((int64_t)made)
                    : (uint8_t)(((x ^ made) & ((s->op == ADD ? y : ~y) ^ made)) >> 63);
        } else if (s->op == MULTIPLY) {
            made = x * y;
            strange = s->kind == INTEGER ? beyond((int64_t)made) : beyond(a[i].i) | beyond(b[i].i);
        } else { /* towards zero; the lowest number divided by -1 is out of range */
            strange = b[i].i == 0 || b[i].i == -1;
            int64_t safe = strange ? 1 : b[i].i;
            made = (uint64_t)(s->op == DIVIDE ? a[i].i / safe : a[i].i % safe);
        }
        out[i].i = (int64_t)made;
        odd[i] |= strange & !null[i];
    }
}

/* Three-valued: NULL unless one side that is known decides. */
static void logical(int op, Lane *restrict out, uint8_t *restrict null, const Lane *a, const Lane *b, const uint8_t *na,
                    const uint8_t *nb, size_t n)
{
    int64_t decides = op == OR;
    for (size_t i = 0; i < n; i++) {
        int decided = (!na[i] && a[i].i == decides) || (!nb[i] && b[i].i == decides);
        null[i] = (uint8_t)(!decided && (na[i] | nb[i]));
        out[i].i = decided ? decides : !decides;
    }
}

/* Operations for which NULL is a value like others. */
static void lazy(Work *w, const Step *s, Lane *restrict out, uint8_t *restrict null, size_t n)
{
    const Lane *a = w->lanes + s->a * w->room, *b = s->b < 0 ? a : w->lanes + s->b * w->room;
    const uint8_t *na = w->null + s->a * w->room, *nb = s->b < 0 ? na : w->null + s->b * w->room;
    if (s->op == AND || s->op == OR) {
        logical(s->op, out, null, a, b, na, nb, n);
    } else if (s->op == IS_NULL) {
        for (size_t i = 0; i < n; i++) {
            out[i].i = na[i];
            null[i] = 0;
        }
    } else if (s->op == COALESCE) {
        for (size_t i = 0; i < n; i++) {
            out[i] = na[i] ? b[i] : a[i];
            null[i] = na[i] & nb[i];
        }
    } else { /* CASE WHEN a THEN b ELSE c END */
        const Lane *c = w->lanes + s->c * w->room;
        const uint8_t *nc = w->null + s->c * w->room;
        for (size_t i = 0; i < n; i++) {
            int chosen = !na[i] && a[i].i;
            out[i] = chosen ? b[i] : c[i];
            null[i] = chosen ? nb[i] : nc[i];
        }
    }
}

static void strict(Work *w, const Step *s, Lane *restrict out, uint8_t *restrict null, size_t n)
{
    const Lane *a = w->lanes + s->a * w->room, *b = s->b < 0 ? a : w->lanes + s->b * w->room;
    const uint8_t *na = w->null + s->a * w->room, *nb = s->b < 0 ? na : w->null + s->b * w->room;
    for (size_t i = 0; i < n; i++)
        null[i] = na[i] | nb[i];
    switch (s->op) {
    case NOT:
        for (size_t i = 0; i < n; i++)
            out[i].i = !a[i].i;
        break;
    case LEAST:
        for (size_t i = 0; i < n; i++)
            out[i].i = a[i].i < b[i].i ? a[i].i : b[i].i;
        break;
    case GREATEST:
        for (size_t i = 0; i < n; i++)
            out[i].i = a[i].i > b[i].i ? a[i].i : b[i].i;
        break;
    case TO_DOUBLE:
        for (size_t i = 0; i < n; i++)
            out[i].d = (double)a[i].i;
        break;
    case SAME:
        memcpy(out, a, n * sizeof *out);
        break;
    case NEGATE:
        for (size_t i = 0; i < n; i++) {
            if (s->kind == DOUBLE) {
                out[i].d = -a[i].d;
                continue;
            }
            out[i].i = (int64_t)(0 - (uint64_t)a[i].i);
            w->odd[i] |= (s->kind == INTEGER ? a[i].i == INT32_MIN : a[i].i == INT64_MIN) & !null[i];
        }
        break;
    case ADD: case SUBTRACT: case MULTIPLY: case DIVIDE: case REMAINDER:
        arithmetic(w, s, out, a, b, null, n);
        break;
    default:
        compared(s->op, s, out, a, b, n);
    }
}

/* Constants fill their lanes once. */
static void constants(Work *w)
{
    const int64_t *given = w->in->constants.buf; /* value and state (0: a value, 1: NULL, 2: it raises) of each */
    for (Py_ssize_t place = 0; place < w->step_count; place++) {
        const Step *s = &w->steps[place];
        if (s->op != CONSTANT)
            continue;
        w->raises[place] = given[2 * s->a + 1] == 2;
        for (size_t i = 0; i < w->room; i++) {
            w->lanes[place * w->room + i].i = given[2 * s->a];
            w->null[place * w->room + i] = given[2 * s->a + 1] == 1;
        }
    }
}

static void compute(Work *w, size_t from, size_t n)
{
    memset(w->odd, 0, n);
    for (size_t place = 0; place < (size_t)w->step_count; place++) {
        const Step *s = &w->steps[place];
        Lane *out = w->lanes + place * w->room;
        uint8_t *null = w->null + place * w->room;
        switch (s->op) {
        case CONSTANT:
            if (w->raises[place])
                memset(w->odd, 1, n);
            break;
        case FIELD: field(w, s, place, from, n); break;
        case FUNCTION: function(w, s, place, from, n); break;
        case AND: case OR: case IS_NULL: case COALESCE: case CASE:
            lazy(w, s, out, null, n);
            break;
        default:
            strict(w, s, out, null, n);
        }
    }
}

/* Which members of the block fulfil each list of conditions: lists are numbers of steps, each list ended by -1. */
static void choose(Work *w, size_t n)
{
    const int32_t *at = w->in->conditions.buf, *end = at + w->in->conditions.len / 4;
    for (uint8_t *chosen = w->chosen; at < end; at++, chosen += w->room) {
        memset(chosen, 1, n);
        for (; *at >= 0; at++) {
            const Lane *values = w->lanes + *at * w->room;
            const uint8_t *null = w->null + *at * w->room;
            for (size_t i = 0; i < n; i++)
                chosen[i] &= (uint8_t)(values[i].i & !null[i]);
        }
    }
}

/* ---- folds */

enum { NOTHING, VALUE, UNSURE };

/* The fold over members `at` to `end` of the block. */
static int fold(const Work *w, const Output *o, size_t at, size_t end, Lane *found)
{
    const uint8_t *chosen = o->chosen < 0 ? NULL : w->chosen + o->chosen * w->room;
    const Lane *values = o->item < 0 ? NULL : w->lanes + o->item * w->room;
    const uint8_t *null = o->item < 0 ? NULL : w->null + o->item * w->room;
    int state = o->fold == COUNT || o->fold == SUM ? VALUE : NOTHING, unknown = 0;
    found->i = o->fold == SUM ? o->value : 0;
    for (; at < end; at++) {
        if (chosen && !chosen[at])
            continue;
        if (o->fold == COUNT) {
            found->i++;
            continue;
        }
        if (o->fold == ANY || o->fold == NONE) {
            if (!null[at] && values[at].i) {
                found->i = o->fold == ANY;
                return VALUE;
            }
            unknown |= null[at];
            continue;
        }
        if (null[at])
            return NOTHING;
        int64_t value = values[at].i;
        if (o->fold == SUM) {
            if ((value > 0 && found->i > INT64_MAX - value) || (value < 0 && found->i < INT64_MIN - value))
                return UNSURE;
            found->i += value;
            if (o->kind == INTEGER && beyond(found->i))
                return UNSURE;
        } else {
            if (state == NOTHING || (o->fold == MINIMUM ? value < found->i : value > found->i))
                found->i = value;
            state = VALUE;
        }
    }
    if (o->fold == ANY || o->fold == NONE) {
        found->i = o->fold == NONE;
        return unknown ? NOTHING : VALUE;
    }
    return state;
}

/* The member at a place, counted from 1, or from the end where it is negative. */
static int placed(const Work *w, const Output *o, size_t at, size_t end, Lane *found)
{
    const uint8_t *chosen = o->chosen < 0 ? NULL : w->chosen + o->chosen * w->room;
    int64_t left = o->value < 0 ? -o->value : o->value;
    for (size_t i = 0; i < end - at; i++) {
        size_t member = o->value > 0 ? at + i : end - 1 - i;
        if ((chosen && !chosen[member]) || --left)
            continue;
        *found = w->lanes[o->item * w->room + member];
        return w->null[o->item * w->room + member] ? NOTHING : VALUE;
    }
    return NOTHING;
}

static int listed(const Work *w, const Output *o, size_t at, size_t end, Made *made)
{
    const uint8_t *chosen = o->chosen < 0 ? NULL : w->chosen + o->chosen * w->room;
    for (; at < end; at++)
        if (!chosen || chosen[at])
            if (!append(&made->items, &w->lanes[o->item * w->room + at], sizeof(Lane))
                || !append(&made->nulls, &w->null[o->item * w->room + at], 1))
                return 0;
    return 1;
}

static void put(Made *made, const Output *o, size_t row, Lane value)
{
    made->valid[row >> 3] |= (uint8_t)(1 << (row & 7));
    made->there++;
    if (o->kind == BOOLEAN)
        made->data[row >> 3] |= (uint8_t)((value.i != 0) << (row & 7));
    else if (o->kind == INTEGER)
        ((int32_t *)made->data)[row] = (int32_t)value.i;
    else
        ((Lane *)made->data)[row] = value;
}

/* One row of one output; 0 where memory ran out. */
static int give(const Work *w, const Output *o, Made *made, size_t row, size_t at, size_t end, uint8_t *odd)
{
    int valid = bit(w->in->valid.buf, row);
    Lane value = {0};
    int state = NOTHING;
    if (o->fold == LIST) {
        if (!listed(w, o, at, end, made))
            return 0;
        made->ends[row + 1] = (int32_t)(made->items.size / sizeof(Lane));
        state = VALUE;
    } else if (o->fold == ABSENT) {
        value.i = !valid;
        put(made, o, row, value);
        return 1;
    } else {
        state = o->fold == AT ? placed(w, o, at, end, &value) : fold(w, o, at, end, &value);
    }
    if (!valid)
        return 1;
    *odd |= state == UNSURE;
    if (state == VALUE && o->fold == LIST) {
        made->valid[row >> 3] |= (uint8_t)(1 << (row & 7));
        made->there++;
    } else if (state == VALUE) {
        put(made, o, row, value);
    }
    return 1;
}

/* All rows, block by block; 0 where memory ran out. */
static int run(Work *w, Made *made, uint8_t *odd, size_t rows)
{
    const int32_t *ends = w->in->offsets.buf;
    const Output *outputs = w->in->outputs.buf;
    size_t count = (size_t)w->in->outputs.len / sizeof(Output);
    constants(w);
    for (size_t row = 0; row < rows;) {
        size_t first = row, from = (size_t)ends[row];
        while (row < rows && (size_t)ends[row + 1] - from <= w->room)
            row++;
        size_t n = (size_t)ends[row] - from;
        compute(w, from, n);
        choose(w, n);
        for (size_t o = 0; o < count; o++)
            for (size_t r = first; r < row; r++)
                if (!give(w, &outputs[o], &made[o], r, (size_t)ends[r] - from, (size_t)ends[r + 1] - from, &odd[r]))
                    return 0;
        for (size_t r = first; r < row; r++)
            for (size_t i = (size_t)ends[r] - from; i < (size_t)ends[r + 1] - from; i++)
                odd[r] |= w->odd[i];
    }
    return 1;
}

/* ---- what is given, checked, and what comes back */

static int buffer(PyObject *object, Py_buffer *view)
{
    return PyObject_GetBuffer(object, view, PyBUF_SIMPLE) == 0;
}

static void finish(Input *in)
{
    Py_buffer *own[] = {&in->offsets, &in->valid, &in->steps, &in->outputs, &in->conditions, &in->constants};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        PyBuffer_Release(own[i]);
    for (Py_ssize_t i = 0; i < in->field_count; i++) {
        PyBuffer_Release(&in->fields[i].valid);
        PyBuffer_Release(&in->fields[i].values);
    }
    for (Py_ssize_t i = 0; i < in->table_count; i++) {
        PyBuffer_Release(&in->tables[i].values);
        PyBuffer_Release(&in->tables[i].null);
        PyBuffer_Release(&in->tables[i].bad);
    }
}

/* Fields are (validity, values, bytes of a value), tables (values, null, bad); 0 with an error set. */
static int take_in(Input *in, PyObject *fields, PyObject *tables)
{
    Py_ssize_t field_count = PyTuple_Size(fields), table_count = PyTuple_Size(tables);
    if (field_count > MOST || table_count > MOST) {
        PyErr_SetString(PyExc_ValueError, "too many fields or tables");
        return 0;
    }
    for (Py_ssize_t i = 0; i < field_count; i++) {
        PyObject *valid, *values;
        Field *f = &in->fields[i];
        if (!PyArg_ParseTuple(PyTuple_GetItem(fields, i), "OOi", &valid, &values, &f->width) || !buffer(valid, &f->valid))
            return 0;
        if (!buffer(values, &f->values)) {
            PyBuffer_Release(&f->valid);
            return 0;
        }
        in->field_count++;
    }
    for (Py_ssize_t i = 0; i < table_count; i++) {
        PyObject *values, *null, *bad;
        Values *t = &in->tables[i];
        if (!PyArg_ParseTuple(PyTuple_GetItem(tables, i), "OOO", &values, &null, &bad))
            return 0;
        int got = buffer(values, &t->values) ? buffer(null, &t->null) ? buffer(bad, &t->bad) ? 3 : 2 : 1 : 0;
        if (got > 1 && got < 3)
            PyBuffer_Release(&t->null);
        if (got > 0 && got < 3)
            PyBuffer_Release(&t->values);
        if (got < 3)
            return 0;
        in->table_count++;
    }
    return 1;
}

static int step_fits(const Input *in, const Step *s, Py_ssize_t place, size_t members)
{
    if (s->op == CONSTANT)
        return s->a >= 0 && (s->a + 1) * 16 <= in->constants.len;
    if (s->op == FIELD || s->op == FUNCTION) {
        if (s->a < 0 || s->a >= in->field_count)
            return 0;
        const Field *f = &in->fields[s->a];
        int width = s->op == FUNCTION ? 4 : f->width;
        if ((width != 1 && width != 4 && width != 8) || f->width != width || (size_t)f->values.len < members * (size_t)width)
            return 0;
        if (s->op == FIELD)
            return width != 4 && (size_t)f->valid.len * 8 >= members;
        if (s->b < 0 || s->b >= in->table_count)
            return 0;
        const Values *t = &in->tables[s->b];
        return t->null.len > 0 && t->null.len <= INT32_MAX && t->bad.len >= t->null.len && t->values.len / 8 >= t->null.len;
    }
    return s->op > FUNCTION && s->op <= NEGATE && s->a >= 0 && s->a < place && s->b < place && s->c < place
        && (s->b >= 0 || s->op == NOT || s->op == IS_NULL || s->op == TO_DOUBLE || s->op == SAME || s->op == NEGATE)
        && (s->c >= 0 || s->op != CASE);
}

/* Does everything lie within what it points to? */
static int sound(const Input *in, Py_ssize_t rows, Py_ssize_t lists)
{
    const int32_t *ends = in->offsets.buf, *conditions = in->conditions.buf;
    const Step *steps = in->steps.buf;
    const Output *outputs = in->outputs.buf;
    Py_ssize_t count = in->steps.len / (Py_ssize_t)sizeof(Step);
    if (rows < 0 || ends[0] != 0 || in->valid.len * 8 < rows || lists > MOST)
        return 0;
    for (Py_ssize_t i = 0; i < rows; i++)
        if (ends[i] > ends[i + 1])
            return 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!step_fits(in, &steps[i], i, (size_t)ends[rows]))
            return 0;
    for (Py_ssize_t i = 0; i < in->conditions.len / 4; i++)
        if (conditions[i] >= count)
            return 0;
    for (Py_ssize_t i = 0; i < in->outputs.len / (Py_ssize_t)sizeof(Output); i++) {
        const Output *o = &outputs[i];
        int bare = o->fold == ABSENT || o->fold == COUNT;
        if (o->item >= count || (o->item < 0 && !bare) || o->chosen >= lists || o->fold < ABSENT || o->fold > LIST
            || (o->fold == AT && !o->value))
            return 0;
    }
    return 1;
}

static Py_ssize_t lists_of(const Input *in)
{
    const int32_t *conditions = in->conditions.buf;
    Py_ssize_t count = in->conditions.len / 4, lists = 0;
    for (Py_ssize_t i = 0; i < count; i++)
        lists += conditions[i] < 0;
    return count && conditions[count - 1] >= 0 ? MOST + 1 : lists; /* the last one has no end */
}

static int ready(Work *w, Py_ssize_t rows, Py_ssize_t lists)
{
    const int32_t *ends = w->in->offsets.buf;
    size_t steps = (size_t)w->step_count;
    w->room = BLOCK;
    for (Py_ssize_t i = 0; i < rows; i++)
        if ((size_t)(ends[i + 1] - ends[i]) > w->room)
            w->room = (size_t)(ends[i + 1] - ends[i]);
    w->lanes = malloc(steps * w->room * sizeof *w->lanes + 1);
    w->null = malloc(steps * w->room + 1);
    w->odd = malloc(w->room);
    w->chosen = malloc((size_t)lists * w->room + 1);
    w->raises = calloc(steps + 1, 1);
    return w->lanes && w->null && w->odd && w->chosen && w->raises;
}

static PyObject *bytes_of(const void *bytes, size_t size)
{
    return PyBytes_FromStringAndSize(size ? bytes : "", (Py_ssize_t)size);
}

/* None where no row is NULL: who reads the column need not look then. */
static PyObject *validity(const uint8_t *bits, size_t there, size_t rows)
{
    if (there == rows) {
        Py_INCREF(Py_None);
        return Py_None;
    }
    return bytes_of(bits, (rows + 7) / 8);
}

static PyObject *made_of(const Output *o, const Made *m, size_t rows)
{
    size_t bits = (rows + 7) / 8;
    if (o->fold == LIST)
        return Py_BuildValue("(NNNN)", validity(m->valid, m->there, rows), bytes_of(m->items.bytes, m->items.size),
                             bytes_of(m->nulls.bytes, m->nulls.size), bytes_of(m->ends, (rows + 1) * 4));
    size_t size = o->kind == BOOLEAN ? bits : rows * (o->kind == INTEGER ? 4 : 8);
    return Py_BuildValue("(NN)", validity(m->valid, m->there, rows), bytes_of(m->data, size));
}

static PyObject *told(const Input *in, const Made *made, const uint8_t *odd, size_t rows)
{
    const Output *outputs = in->outputs.buf;
    Py_ssize_t count = in->outputs.len / (Py_ssize_t)sizeof(Output);
    PyObject *columns = PyTuple_New(count);
    for (Py_ssize_t i = 0; columns && i < count; i++)
        PyTuple_SetItem(columns, i, made_of(&outputs[i], &made[i], rows));
    return columns ? Py_BuildValue("(NN)", columns, bytes_of(odd, rows)) : NULL;
}

static PyObject *worked(const Input *in, Py_ssize_t rows, Py_ssize_t lists)
{
    size_t count = (size_t)in->outputs.len / sizeof(Output);
    Work w = {in, in->steps.buf, in->steps.len / (Py_ssize_t)sizeof(Step), 0, NULL, NULL, NULL, NULL, NULL};
    Made *made = calloc(count + 1, sizeof *made);
    uint8_t *odd = calloc((size_t)rows + 1, 1);
    PyObject *found = NULL;
    int done = ready(&w, rows, lists) && made && odd;
    for (size_t i = 0; done && i < count; i++) {
        made[i].data = calloc((size_t)rows + 1, sizeof(Lane));
        made[i].valid = calloc((size_t)rows / 8 + 1, 1);
        made[i].ends = calloc((size_t)rows + 1, 4);
        done = made[i].data && made[i].valid && made[i].ends;
    }
    if (done) {
        Py_BEGIN_ALLOW_THREADS
        done = run(&w, made, odd, (size_t)rows);
        Py_END_ALLOW_THREADS
    }
    found = done ? told(in, made, odd, (size_t)rows) : PyErr_NoMemory();
    for (size_t i = 0; made && i < count; i++) {
        free(made[i].data);
        free(made[i].valid);
        free(made[i].ends);
        free(made[i].items.bytes);
        free(made[i].nulls.bytes);
    }
    free(made);
    free(odd);
    free(w.lanes);
    free(w.null);
    free(w.odd);
    free(w.chosen);
    free(w.raises);
    return found;
}

/* run(offsets, valid, fields, tables, steps, conditions, constants, outputs) -> (columns, a byte for each row: is it odd?)
   A column is (validity, values), of lists (validity, items, null, offsets); validity is None where no row is NULL. */
static PyObject *members_run(PyObject *self, PyObject *args)
{
    Input *in = calloc(1, sizeof *in);
    PyObject *fields, *tables, *found = NULL;
    (void)self;
    if (!in)
        return PyErr_NoMemory();
    if (!PyArg_ParseTuple(args, "y*y*O!O!y*y*y*y*", &in->offsets, &in->valid, &PyTuple_Type, &fields, &PyTuple_Type, &tables,
                          &in->steps, &in->conditions, &in->constants, &in->outputs)) {
        free(in);
        return NULL;
    }
    if (take_in(in, fields, tables)) {
        Py_ssize_t rows = in->offsets.len / 4 - 1, lists = lists_of(in);
        if (rows >= 0 && sound(in, rows, lists))
            found = worked(in, rows, lists);
        else
            PyErr_SetString(PyExc_ValueError, "the program does not fit the members");
    }
    finish(in);
    free(in);
    return found;
}

/* ---- values by number */

static size_t pick(const int32_t *numbers, size_t rows, const uint8_t *values, int width, const uint8_t *valid, int32_t known,
                 uint8_t *data, uint8_t *bits)
{
    size_t there = 0;
    for (size_t i = 0; i < rows; i++) {
        int32_t number = numbers[i] < 0 || numbers[i] >= known ? 0 : numbers[i];
        bits[i >> 3] |= (uint8_t)((valid[number] != 0) << (i & 7));
        there += valid[number] != 0;
        if (width == 1)
            data[i >> 3] |= (uint8_t)((values[number] != 0) << (i & 7));
        else if (width == 4)
            memcpy(data + 4 * i, values + 4 * (size_t)number, 4);
        else
            memcpy(data + 8 * i, values + 8 * (size_t)number, 8);
    }
    return there;
}

/* take(numbers, values, width, valid) -> (validity or None, values) of these numbers; those below 0 stand for number 0. Values have
   4 or 8 bytes, or are truths of one byte, which become bits; `valid` has a byte for each. */
static PyObject *members_take(PyObject *self, PyObject *args)
{
    Py_buffer numbers, values, valid;
    int width;
    PyObject *found = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*iy*", &numbers, &values, &width, &valid))
        return NULL;
    size_t rows = (size_t)numbers.len / 4, bits = (rows + 7) / 8, size = width == 1 ? bits : rows * (size_t)width;
    if ((width != 1 && width != 4 && width != 8) || valid.len < 1 || valid.len > INT32_MAX || values.len / width < valid.len) {
        PyErr_SetString(PyExc_ValueError, "the values do not fit");
    } else {
        PyObject *data = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
        uint8_t *marks = calloc(bits + 1, 1);
        if (data && marks) {
            uint8_t *to = (uint8_t *)PyBytes_AsString(data);
            memset(to, 0, size);
            size_t there = pick(numbers.buf, rows, values.buf, width, valid.buf, (int32_t)valid.len, to, marks);
            found = Py_BuildValue("(NO)", validity(marks, there, rows), data);
        } else if (data) {
            PyErr_NoMemory();
        }
        Py_XDECREF(data);
        free(marks);
    }
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&values);
    PyBuffer_Release(&valid);
    return found;
}

static PyMethodDef methods[] = {
    {"run", members_run, METH_VARARGS, "Expressions over the members of arrays, folded to values of the arrays."},
    {"take", members_take, METH_VARARGS, "Values by their numbers."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_members", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__members(void)
{
    return PyModule_Create(&module);
}
