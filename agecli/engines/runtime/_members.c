/* Values of the members of arrays, for program.py: expressions over them, folded to one value for each array.

   Members of all arrays of a chunk stand one behind the other, and are computed in blocks of whole arrays (_steps.h). */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include "_steps.h"

#define BLOCK 512 /* members at once; more where an array alone has more */
#define MOST 64   /* fields, tables, and lists of conditions */

enum { ABSENT, COUNT, MINIMUM, MAXIMUM, SUM, ANY, NONE, AT, LIST };

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

static inline const Input *given(const Work *w)
{
    return w->in;
}

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

/* ---- leaves */

static void field(Work *w, const Step *s, size_t place, size_t from, size_t n)
{
    const Field *f = &given(w)->fields[s->a];
    Lane *out = w->lanes + place * w->room;
    uint8_t *null = w->null + place * w->room;
    for (size_t i = 0; i < n; i++) {
        null[i] = (uint8_t)!bit(f->valid.buf, from + i);
        out[i].i = f->width == 1 ? ((const uint8_t *)f->values.buf)[from + i] : ((const int64_t *)f->values.buf)[from + i];
    }
}

static void function(Work *w, const Step *s, size_t place, size_t from, size_t n)
{
    const int32_t *numbers = (const int32_t *)given(w)->fields[s->a].values.buf + from;
    const Values *t = &given(w)->tables[s->b];
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

static void leaf(Work *w, const Step *s, size_t place, size_t from, size_t n)
{
    (s->op == FIELD ? field : function)(w, s, place, from, n);
}

/* Which members of the block fulfil each list of conditions: lists are numbers of steps, each list ended by -1. */
static void choose(Work *w, size_t n)
{
    const int32_t *at = given(w)->conditions.buf, *end = at + given(w)->conditions.len / 4;
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
    int valid = bit(given(w)->valid.buf, row);
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
    const int32_t *ends = given(w)->offsets.buf;
    const Output *outputs = given(w)->outputs.buf;
    size_t count = (size_t)given(w)->outputs.len / sizeof(Output);
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
        return s->a >= 0 && s->a < in->constants.len / 16;
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
    return refers_back(s, place);
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
    const int32_t *ends = given(w)->offsets.buf;
    size_t room = BLOCK;
    for (Py_ssize_t i = 0; i < rows; i++)
        if ((size_t)(ends[i + 1] - ends[i]) > room)
            room = (size_t)(ends[i + 1] - ends[i]);
    w->chosen = malloc((size_t)lists * room + 1);
    return make_room(w, room) && w->chosen;
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
    Work w = {.steps = in->steps.buf, .step_count = (size_t)in->steps.len / sizeof(Step), .constants = in->constants.buf,
              .leaf = leaf, .in = in};
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
    free(w.chosen);
    free_room(&w);
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

static PyMethodDef methods[] = {
    {"run", members_run, METH_VARARGS, "Expressions over the members of arrays, folded to values of the arrays."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_members", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__members(void)
{
    return PyModule_Create(&module);
}
