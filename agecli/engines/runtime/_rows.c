/* Values of rows, for rows.py: expressions over columns in Arrow's layout, computed in blocks of rows (_steps.h); and values of
   texts by their numbers, for texts.py. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include "_steps.h"

#define BLOCK 256 /* rows at once */
#define MOST 256  /* columns */

/* A column: numbers of 32 and 64 bits, doubles, bits; of the last kind only whether there is a value, as a truth: is there none? */
enum { INTS, LONGS, DOUBLES, BITS, ABSENCE, FORMS };

/* What an output is stored as */
enum { TO_INTS, TO_LONGS, TO_DOUBLES, TO_BITS, TO_FLOATS, STORED };

typedef struct {
    const uint8_t *valid; /* NULL where no value is */
    const void *values;
    size_t offset;
    int form;
} Column;

typedef struct {
    int32_t place, stored;
} Output;

typedef struct {
    PyObject *bytes[2]; /* validity and values, */
    uint8_t *valid, *data; /* and what is in these */
    size_t there; /* values that are not NULL */
} Made;

typedef struct {
    Py_buffer views[2 * MOST];
    int view_count;
    Column columns[MOST];
    Py_ssize_t column_count;
    Py_buffer steps, constants, outputs;
} Input;

static void column(Work *w, const Step *s, size_t place, size_t from, size_t n)
{
    const Column *c = &((const Input *)w->in)->columns[s->a];
    Lane *out = w->lanes + place * w->room;
    uint8_t *null = w->null + place * w->room;
    from += c->offset;
    if (c->form == ABSENCE) {
        memset(null, 0, n);
        for (size_t i = 0; i < n; i++)
            out[i].i = c->valid && !bit(c->valid, from + i);
        return;
    }
    if (c->valid)
        for (size_t i = 0; i < n; i++)
            null[i] = (uint8_t)!bit(c->valid, from + i);
    else
        memset(null, 0, n);
    if (c->form == INTS) {
        const int32_t *values = (const int32_t *)c->values + from;
        for (size_t i = 0; i < n; i++)
            out[i].i = values[i];
    } else if (c->form == BITS) {
        for (size_t i = 0; i < n; i++)
            out[i].i = bit(c->values, from + i);
    } else {
        memcpy(out, (const Lane *)c->values + from, n * sizeof *out);
    }
}

static void store(const Work *w, const Output *o, Made *made, size_t from, size_t n)
{
    const Lane *values = w->lanes + (size_t)o->place * w->room;
    const uint8_t *null = w->null + (size_t)o->place * w->room;
    for (size_t i = 0; i < n; i++) /* blocks begin at whole bytes */
        made->valid[(from + i) >> 3] |= (uint8_t)(!null[i] << (i & 7));
    for (size_t i = 0; i < n; i++)
        made->there += !null[i];
    if (o->stored == TO_INTS)
        for (size_t i = 0; i < n; i++)
            ((int32_t *)made->data)[from + i] = (int32_t)values[i].i;
    else if (o->stored == TO_FLOATS)
        for (size_t i = 0; i < n; i++)
            ((float *)made->data)[from + i] = (float)values[i].d;
    else if (o->stored == TO_BITS)
        for (size_t i = 0; i < n; i++)
            made->data[(from + i) >> 3] |= (uint8_t)((values[i].i != 0) << (i & 7));
    else
        memcpy((Lane *)made->data + from, values, n * sizeof *values);
}

static void run(Work *w, Made *made, uint8_t *odd, size_t rows)
{
    const Input *in = w->in;
    const Output *outputs = in->outputs.buf;
    size_t count = (size_t)in->outputs.len / sizeof(Output);
    for (size_t from = 0; from < rows; from += BLOCK) {
        size_t n = rows - from < BLOCK ? rows - from : BLOCK;
        compute(w, from, n);
        memcpy(odd + from, w->odd, n);
        for (size_t o = 0; o < count; o++)
            store(w, &outputs[o], &made[o], from, n);
    }
}

/* ---- what is given, checked, and what comes back */

/* The bytes of an object, which may be None; 0 with an error set. */
static int bytes_at(Input *in, PyObject *object, const void **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    if (object == Py_None)
        return 1;
    Py_buffer *view = &in->views[in->view_count];
    if (PyObject_GetBuffer(object, view, PyBUF_SIMPLE))
        return 0;
    in->view_count++;
    *bytes = view->buf;
    *size = (size_t)view->len;
    return 1;
}

/* Columns are (validity, values, offset, form); 0 with an error set. */
static int take_in(Input *in, PyObject *columns, size_t rows)
{
    static const size_t bits_of[FORMS] = {32, 64, 64, 1, 0};
    in->column_count = PyTuple_Size(columns);
    int fits = in->column_count <= MOST;
    for (Py_ssize_t i = 0; fits && i < in->column_count; i++) {
        PyObject *valid, *values;
        Column *c = &in->columns[i];
        Py_ssize_t offset;
        size_t valid_size, size;
        const void *bits;
        if (!PyArg_ParseTuple(PyTuple_GetItem(columns, i), "OOni", &valid, &values, &offset, &c->form)
            || !bytes_at(in, valid, &bits, &valid_size) || !bytes_at(in, values, &c->values, &size))
            return 0;
        c->valid = bits;
        c->offset = (size_t)offset;
        fits = offset >= 0 && c->form >= 0 && c->form < FORMS && (size_t)offset <= SIZE_MAX / 128 - rows;
        fits = fits && (!c->valid || valid_size * 8 >= c->offset + rows)
            && size * 8 >= (c->offset + rows) * bits_of[c->form] && (c->values || !rows || c->form == ABSENCE);
    }
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "the columns do not have as many rows");
    return fits;
}

static int sound(const Input *in)
{
    const Step *steps = in->steps.buf;
    const Output *outputs = in->outputs.buf;
    Py_ssize_t count = in->steps.len / (Py_ssize_t)sizeof(Step);
    for (Py_ssize_t i = 0; i < count; i++) {
        const Step *s = &steps[i];
        if (s->op == CONSTANT ? s->a < 0 || s->a >= in->constants.len / 16
            : s->op == FIELD ? s->a < 0 || s->a >= in->column_count : !refers_back(s, i))
            return 0;
    }
    for (Py_ssize_t i = 0; i < in->outputs.len / (Py_ssize_t)sizeof(Output); i++)
        if (outputs[i].place < 0 || outputs[i].place >= count || outputs[i].stored < 0 || outputs[i].stored >= STORED)
            return 0;
    return 1;
}

static int room_for(Made *made, int stored, size_t rows)
{
    static const size_t widths[STORED] = {4, 8, 8, 0, 4};
    size_t bits = (rows + 7) / 8, size = stored == TO_BITS ? bits : rows * widths[stored];
    made->bytes[0] = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)bits);
    made->bytes[1] = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (!made->bytes[0] || !made->bytes[1])
        return 0;
    made->valid = (uint8_t *)PyBytes_AsString(made->bytes[0]);
    made->data = (uint8_t *)PyBytes_AsString(made->bytes[1]);
    memset(made->valid, 0, bits); /* bits are added one by one */
    if (stored == TO_BITS)
        memset(made->data, 0, bits);
    return 1;
}

static PyObject *told(const Made *made, Py_ssize_t count, PyObject *odd, size_t rows)
{
    PyObject *columns = PyTuple_New(count);
    for (Py_ssize_t i = 0; columns && i < count; i++) { /* where no value is NULL, who reads the column need not look */
        PyObject *valid = made[i].there == rows ? Py_None : made[i].bytes[0];
        PyObject *column = Py_BuildValue("(OOn)", valid, made[i].bytes[1], (Py_ssize_t)(rows - made[i].there));
        if (!column || PyTuple_SetItem(columns, i, column)) {
            Py_DECREF(columns);
            return NULL;
        }
    }
    return columns ? Py_BuildValue("(NO)", columns, odd) : NULL;
}

static PyObject *worked(const Input *in, size_t rows)
{
    const Output *outputs = in->outputs.buf;
    Py_ssize_t count = in->outputs.len / (Py_ssize_t)sizeof(Output);
    Work w = {.steps = in->steps.buf, .step_count = (size_t)in->steps.len / sizeof(Step), .constants = in->constants.buf,
              .leaf = column, .in = in};
    Made *made = calloc((size_t)count + 1, sizeof *made);
    PyObject *odd = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rows), *found = NULL;
    int done = made && odd && make_room(&w, BLOCK);
    for (Py_ssize_t i = 0; done && i < count; i++)
        done = room_for(&made[i], outputs[i].stored, rows);
    if (done) {
        uint8_t *marks = (uint8_t *)PyBytes_AsString(odd);
        Py_BEGIN_ALLOW_THREADS
        run(&w, made, marks, rows);
        Py_END_ALLOW_THREADS
        found = told(made, count, odd, rows);
    } else if (!PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; made && i < count; i++) {
        Py_XDECREF(made[i].bytes[0]);
        Py_XDECREF(made[i].bytes[1]);
    }
    Py_XDECREF(odd);
    free(made);
    free_room(&w);
    return found;
}

/* run(rows, columns, steps, constants, outputs) -> (columns, a byte for each row: is it odd?)
   A column that comes back is (validity, values, how many are NULL); validity is None where none is. */
static PyObject *rows_run(PyObject *self, PyObject *args)
{
    Input *in = calloc(1, sizeof *in);
    PyObject *columns, *found = NULL;
    Py_ssize_t rows;
    (void)self;
    if (!in)
        return PyErr_NoMemory();
    if (!PyArg_ParseTuple(args, "nO!y*y*y*", &rows, &PyTuple_Type, &columns, &in->steps, &in->constants, &in->outputs)) {
        free(in);
        return NULL;
    }
    if (rows < 0 || rows > INT32_MAX)
        PyErr_SetString(PyExc_ValueError, "too many rows, or fewer than none");
    else if (take_in(in, columns, (size_t)rows)) {
        if (sound(in))
            found = worked(in, (size_t)rows);
        else
            PyErr_SetString(PyExc_ValueError, "the program does not fit the columns");
    }
    for (int i = 0; i < in->view_count; i++)
        PyBuffer_Release(&in->views[i]);
    PyBuffer_Release(&in->steps);
    PyBuffer_Release(&in->constants);
    PyBuffer_Release(&in->outputs);
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
static PyObject *rows_take(PyObject *self, PyObject *args)
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
            found = there == rows ? Py_BuildValue("(OO)", Py_None, data)
                                  : Py_BuildValue("(y#O)", marks, (Py_ssize_t)bits, data);
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
    {"run", rows_run, METH_VARARGS, "Values of rows."},
    {"take", rows_take, METH_VARARGS, "Values by their numbers."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_rows", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__rows(void)
{
    return PyModuleDef_Init(&module);
}
