/* Walks rows down a forest of trees: the inner loop of scoring, called by kernel.py only.

   Values are first turned into ranks: how many thresholds of their feature are not above them, so that `value <
   threshold` becomes a comparison of small integers and 64 rows fit the first-level cache beside a tree. Every
   feature has two ranks, which differ for missing values only: one that always goes left, one that always goes
   right; a node reads the one that its default direction wants. A split by category looks the rank up in a set of
   bits. A leaf leads to itself, so each tree takes the same number of steps for all rows, without a branch.

   Sums are single floats in the order of the trees, as in XGBoost, so that the bits are the same.
   kernel.py makes the arrays and answers for every index being inside them. */

#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <math.h>

#define BLOCK 64 /* rows whose ranks are held at once */
#define LANES 8  /* rows that walk side by side, so that one's wait is another's work */

typedef struct {
    uint32_t left; /* index of the left child within the tree; the right one follows it; a leaf: itself */
    uint32_t set;  /* where the node's set of bits begins, in words; a split by number: a run of zeros */
    uint16_t column;
    uint16_t rank; /* right if the row's rank is above it; 65535 never is */
    float leaf;
} Node;

typedef struct {
    const Node *nodes;
    const uint32_t *sets;
    const uint32_t *roots;  /* per tree: index of its root among all nodes */
    const uint32_t *depths; /* per tree: steps to the deepest leaf */
    const uint32_t *plain;  /* per tree: 1 when no split is by category */
    Py_ssize_t trees, outputs;
    const float *thresholds; /* of all features, ascending within each */
    const uint32_t *starts;  /* per feature, and one more */
    const uint32_t *codes;   /* per feature: how many categories its sets know, 0 for a number */
    Py_ssize_t features;
} Forest;

/* A binary search without branches, LANES rows side by side. */
static void rank_numbers(const Forest *f, Py_ssize_t feature, const float *rows, Py_ssize_t count, uint16_t *ranks)
{
    const float *known = f->thresholds + f->starts[feature];
    const uint32_t size = f->starts[feature + 1] - f->starts[feature];
    const Py_ssize_t width = f->features;
    for (Py_ssize_t i = 0; i < count; i += LANES) {
        float value[LANES];
        uint32_t rank[LANES] = {0};
        for (int lane = 0; lane < LANES; lane++) {
            const Py_ssize_t row = i + lane < count ? i + lane : count - 1;
            value[lane] = rows[row * width + feature];
        }
        uint32_t left = size;
        for (; left > 1; left -= left / 2)
            for (int lane = 0; lane < LANES; lane++)
                rank[lane] += (left / 2) * (known[rank[lane] + left / 2 - 1] <= value[lane]);
        if (left)
            for (int lane = 0; lane < LANES; lane++)
                rank[lane] += known[rank[lane]] <= value[lane];
        for (int lane = 0; lane < LANES; lane++) {
            uint16_t *told = ranks + ((i + lane) * width + feature) * 2;
            const int missing = isnan(value[lane]);
            told[0] = (uint16_t)(missing ? 0 : rank[lane]);
            told[1] = (uint16_t)(missing ? size + 1 : rank[lane]);
        }
    }
}

static void rank_codes(const Forest *f, Py_ssize_t feature, const float *rows, Py_ssize_t count, uint16_t *ranks)
{
    const uint32_t codes = f->codes[feature]; /* rank `codes` is in no set, `codes + 1` in all */
    for (Py_ssize_t i = 0; i < count; i++) {
        const float value = rows[i * f->features + feature];
        uint16_t *told = ranks + (i * f->features + feature) * 2;
        if (isnan(value)) {
            told[0] = (uint16_t)codes;
            told[1] = (uint16_t)(codes + 1);
        } else {
            told[0] = told[1] = (uint16_t)((value >= 0 && value < (float)codes) ? (uint32_t)value : codes);
        }
    }
}

static inline void walk_plain(const Node *tree, uint32_t depth, const uint16_t *ranks, Py_ssize_t width, uint32_t *at)
{
    for (uint32_t step = 0; step < depth; step++)
        for (int lane = 0; lane < LANES; lane++) {
            const Node *node = tree + at[lane];
            at[lane] = node->left + (ranks[lane * width + node->column] > node->rank);
        }
}

static inline void walk_sets(const Node *tree, uint32_t depth, const uint16_t *ranks, Py_ssize_t width,
                             const uint32_t *sets, uint32_t *at)
{
    for (uint32_t step = 0; step < depth; step++)
        for (int lane = 0; lane < LANES; lane++) {
            const Node *node = tree + at[lane];
            const uint32_t rank = ranks[lane * width + node->column];
            const uint32_t inside = (sets[node->set + (rank >> 5)] >> (rank & 31)) & 1;
            at[lane] = node->left + ((rank > node->rank) | inside);
        }
}

static void score_block(const Forest *f, const float *rows, Py_ssize_t count, uint16_t *ranks, float *out)
{
    const Py_ssize_t width = f->features * 2;
    for (Py_ssize_t feature = 0; feature < f->features; feature++)
        if (f->codes[feature])
            rank_codes(f, feature, rows, count, ranks);
        else
            rank_numbers(f, feature, rows, count, ranks);
    for (Py_ssize_t t = 0; t < f->trees; t++) {
        const Node *tree = f->nodes + f->roots[t];
        float *told = out + t % f->outputs;
        for (Py_ssize_t i = 0; i < count; i += LANES) {
            uint32_t at[LANES] = {0};
            if (f->plain[t])
                walk_plain(tree, f->depths[t], ranks + i * width, width, at);
            else
                walk_sets(tree, f->depths[t], ranks + i * width, width, f->sets, at);
            const Py_ssize_t lanes = count - i < LANES ? count - i : LANES;
            for (Py_ssize_t lane = 0; lane < lanes; lane++)
                told[(i + lane) * f->outputs] += tree[at[lane]].leaf;
        }
    }
}

/* add(nodes, sets, roots, depths, plain, outputs, thresholds, starts, codes, rows, out): adds every tree's leaf
   to out (float32, rows x outputs), for rows (float32, rows x features). */
static PyObject *add(PyObject *Py_UNUSED(self), PyObject *args)
{
    enum { NODES, SETS, ROOTS, DEPTHS, PLAIN, THRESHOLDS, STARTS, CODES, ROWS, OUT, BUFFERS };
    PyObject *given[BUFFERS], *answer = NULL;
    Py_buffer view[BUFFERS] = {{0}};
    Forest f;
    int held = 0;
    if (!PyArg_ParseTuple(args, "OOOOOnOOOOO", &given[NODES], &given[SETS], &given[ROOTS], &given[DEPTHS],
                          &given[PLAIN], &f.outputs, &given[THRESHOLDS], &given[STARTS], &given[CODES], &given[ROWS],
                          &given[OUT]))
        return NULL;
    for (; held < BUFFERS; held++)
        if (PyObject_GetBuffer(given[held], &view[held], held == OUT ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0)
            goto done;
    f.nodes = view[NODES].buf;
    f.sets = view[SETS].buf;
    f.roots = view[ROOTS].buf;
    f.depths = view[DEPTHS].buf;
    f.plain = view[PLAIN].buf;
    f.trees = view[ROOTS].len / 4;
    f.thresholds = view[THRESHOLDS].buf;
    f.starts = view[STARTS].buf;
    f.codes = view[CODES].buf;
    f.features = view[CODES].len / 4;
    if (f.outputs < 1 || f.features < 1 || view[STARTS].len != (f.features + 1) * 4 ||
        view[ROWS].len / (f.features * 4) != view[OUT].len / (f.outputs * 4)) {
        PyErr_SetString(PyExc_ValueError, "the arrays do not fit each other");
        goto done;
    }
    /* lanes beyond the last row have ranks of other rows, or zeros: valid all the same, and thrown away */
    uint16_t *ranks = PyMem_Calloc((size_t)(BLOCK + LANES) * f.features * 2, sizeof(uint16_t));
    if (ranks == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    const float *rows = view[ROWS].buf;
    float *out = view[OUT].buf;
    const Py_ssize_t count = view[OUT].len / (f.outputs * 4);
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i += BLOCK)
        score_block(&f, rows + i * f.features, count - i < BLOCK ? count - i : BLOCK, ranks, out + i * f.outputs);
    Py_END_ALLOW_THREADS
    PyMem_Free(ranks);
    answer = Py_NewRef(Py_None);
done:
    while (held-- > 0)
        PyBuffer_Release(&view[held]);
    return answer;
}

/* What XGBoost makes of sums: the logistic function for one output, softmax for several; in place. */
static void to_probabilities(float *out, Py_ssize_t count, Py_ssize_t outputs)
{
    for (Py_ssize_t i = 0; i < count; i++, out += outputs) {
        if (outputs == 1) {
            *out = 1.0f / (expf(fminf(-*out, 88.7f)) + 1.0f + 1e-16f);
            continue;
        }
        float most = out[0];
        double sum = 0;
        for (Py_ssize_t k = 1; k < outputs; k++)
            most = fmaxf(most, out[k]);
        for (Py_ssize_t k = 0; k < outputs; k++)
            sum += out[k] = expf(out[k] - most);
        for (Py_ssize_t k = 0; k < outputs; k++)
            out[k] /= (float)sum;
    }
}

/* probabilities(out, outputs): turns sums into probabilities, in place. */
static PyObject *probabilities(PyObject *Py_UNUSED(self), PyObject *args)
{
    PyObject *given;
    Py_ssize_t outputs;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "On", &given, &outputs) || PyObject_GetBuffer(given, &view, PyBUF_WRITABLE) < 0)
        return NULL;
    if (outputs > 0)
        to_probabilities(view.buf, view.len / (outputs * 4), outputs);
    PyBuffer_Release(&view);
    return Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"add", add, METH_VARARGS, "Adds every tree's leaf for every row."},
    {"probabilities", probabilities, METH_VARARGS, "Turns sums into probabilities, in place."},
    {0},
};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_forest", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__forest(void) { return PyModuleDef_Init(&module); }
