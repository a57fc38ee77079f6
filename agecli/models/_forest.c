/* Takes rows down a forest of trees: the inner loop of scoring, called by kernel.py only.

   Values are first turned into ranks: how many thresholds of their feature are not above them, so that `value <
   threshold` becomes a comparison of small integers. There are two ways from there:

   `add` lets each row walk from the root to its leaf, on any machine and in trees of any size. Every feature has two
   ranks, which differ for missing values only: one that always goes left, one that always goes right; a node reads
   the one that its default direction wants. A split by category looks the rank up in a set of bits. A leaf leads to
   itself, so each tree takes the same number of steps for all rows, without a branch.

   `add_wide` asks each node of a tree about 32 rows at once, a byte per row, and folds the answers from the lowest
   nodes up into the number of the leaf. Nothing that it does depends on what a row says, so nothing is waited for:
   that is five times as fast for 64 leaves, although a row comes to few of the nodes that it is asked about. It
   needs AVX2, which is looked for when it runs, and trees of 256 leaves at most.

   Sums are single floats in the order of the trees, as in XGBoost, so that the bits are the same.
   kernel.py and wide.py make the arrays and answer for every index being inside them. */

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

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <string.h>
#define WIDE 128                  /* rows that are asked about at once */
#define VECTORS (WIDE / 32)       /* of 32 bytes, for a column or a slot */
#define AVX2 __attribute__((target("avx2")))

typedef struct {
    uint32_t start; /* of its thresholds, ascending */
    uint32_t size;
    uint32_t step;  /* a power of two */
    uint32_t codes; /* how many categories its sets know, 0 for a number */
} Feature;

typedef struct { /* a column of bytes made of a feature; by category it is two: the code, and its bit */
    uint16_t feature;
    uint16_t place;
    uint8_t right; /* does a missing value go right? */
    uint8_t page;  /* ranks from 255 page on, codes from 128 page on */
} Column;

typedef struct { /* a split by number: left where the byte is below the limit */
    uint16_t column;
    uint16_t slot;
    int8_t limit;
    uint8_t leaf; /* the one on the right, its sibling being the one before */
} Number;

typedef struct { /* a split by category: right where the code is in the set */
    uint32_t set; /* in 16 bytes, one more for every page */
    uint16_t column;
    uint16_t slot;
    uint16_t pages;
    uint16_t leaf; /* as above; 0 where there are nodes below */
} Choice;

typedef struct {
    uint16_t slot;
    uint16_t leaf;
} Lone;

typedef struct { /* the slot, which holds where to go, gets the leaf that is come to */
    uint16_t slot;
    uint16_t left;
    uint16_t right;
} Fold;

typedef struct { /* how many there are of each; the first numbers are those with two leaves below */
    uint16_t low_numbers, numbers, choices;
    uint16_t lones, folds;
    uint16_t leaves;
} Tree;

typedef struct {
    const Tree *trees;
    const Number *numbers;
    const Choice *choices;
    const Lone *lones;
    const Fold *folds;
    const float *leaves;
    const __m128i *sets;
    const Column *columns;
    const Feature *features;
    const float *thresholds;
    Py_ssize_t count, made, outputs; /* trees, columns, outputs */
} Wide;

/* Adds `by` where the threshold is not above the value. */
AVX2 static inline __m256i counted(__m256i rank, __m256 threshold, __m256 value, int by)
{
    const __m256i below = _mm256_castps_si256(_mm256_cmp_ps(threshold, value, _CMP_LE_OQ));
    return _mm256_add_epi32(rank, _mm256_and_si256(below, _mm256_set1_epi32(by)));
}

/* Ranks of all rows; -1 for missing values. First every step-th threshold is held against all values, then those up
   to the next one are searched by halves: there are always step - 1 of them, the last ones being NaN. */
AVX2 static void wide_ranks(const float *known, uint32_t size, uint32_t step, const float *values, int32_t *ranks)
{
    for (int i = 0; i < WIDE; i += 32) {
        __m256 value[4];
        __m256i rank[4];
        for (int k = 0; k < 4; k++) {
            value[k] = _mm256_loadu_ps(values + i + 8 * k);
            rank[k] = _mm256_setzero_si256();
        }
        for (uint32_t at = step - 1; at < size; at += step)
            for (int k = 0; k < 4; k++)
                rank[k] = counted(rank[k], _mm256_broadcast_ss(known + at), value[k], (int)step);
        for (uint32_t half = step / 2; half; half /= 2)
            for (int k = 0; k < 4; k++)
                rank[k] = counted(rank[k], _mm256_i32gather_ps(known + half - 1, rank[k], 4), value[k], (int)half);
        for (int k = 0; k < 4; k++) {
            const __m256i missing = _mm256_castps_si256(_mm256_cmp_ps(value[k], value[k], _CMP_UNORD_Q));
            _mm256_storeu_si256((__m256i *)(ranks + i + 8 * k), _mm256_or_si256(rank[k], missing));
        }
    }
}

/* Codes of all rows; `codes` for those in no set, -1 for missing values. */
AVX2 static void wide_codes(uint32_t codes, const float *values, int32_t *ranks)
{
    const __m256i none = _mm256_set1_epi32((int)codes);
    for (int i = 0; i < WIDE; i += 8) {
        const __m256 value = _mm256_loadu_ps(values + i);
        const __m256 inside = _mm256_and_ps(_mm256_cmp_ps(value, _mm256_setzero_ps(), _CMP_GE_OQ),
                                            _mm256_cmp_ps(value, _mm256_set1_ps((float)codes), _CMP_LT_OQ));
        const __m256i code = _mm256_blendv_epi8(none, _mm256_cvttps_epi32(value), _mm256_castps_si256(inside));
        const __m256i missing = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
        _mm256_storeu_si256((__m256i *)(ranks + i), _mm256_or_si256(code, missing));
    }
}

AVX2 static void number_column(const Column *column, const int32_t *ranks, int8_t *told)
{
    const int32_t missing = column->right ? 255 : 0, first = 255 * column->page;
    for (int i = 0; i < WIDE; i++) {
        const int32_t rank = ranks[i] - first, low = rank > 0 ? rank : 0;
        told[i] = (int8_t)((ranks[i] < 0 ? missing : low < 255 ? low : 255) - 128);
    }
}

AVX2 static void choice_columns(const Column *column, uint32_t codes, const int32_t *ranks, int8_t *told)
{
    const int32_t missing = (int32_t)codes + (column->right ? 1 : 0), first = 128 * column->page;
    for (int i = 0; i < WIDE; i++) {
        const int32_t code = (ranks[i] < 0 ? missing : ranks[i]) - first;
        told[i] = (int8_t)(code & 127);
        told[i + WIDE] = (int8_t)((code & ~127) ? 0 : 1 << (code >> 4));
    }
}

/* The bytes of all columns for `count` rows; what lies beyond them stays as it is. */
AVX2 static void wide_columns(const Wide *w, const float *rows, Py_ssize_t along, Py_ssize_t across, int count,
                              __m256i *bytes)
{
    float values[WIDE] = {0};
    int32_t ranks[WIDE];
    for (Py_ssize_t c = 0; c < w->made; c++) {
        const Column *column = w->columns + c;
        const Feature *f = w->features + column->feature;
        if (c == 0 || column->feature != column[-1].feature) {
            const float *from = rows + column->feature * across;
            for (int i = 0; i < count; i++)
                values[i] = from[i * along];
            if (f->codes)
                wide_codes(f->codes, values, ranks);
            else
                wide_ranks(w->thresholds + f->start, f->size, f->step, values, ranks);
        }
        int8_t *told = (int8_t *)(bytes + column->place * VECTORS);
        if (f->codes)
            choice_columns(column, f->codes, ranks, told);
        else
            number_column(column, ranks, told);
    }
}

/* Puts `leaf` where the row goes right, one less where it goes left. */
AVX2 static inline void ask_number(__m256i limit, const __m256i *column, __m256i leaf, __m256i *slot)
{
    for (int v = 0; v < VECTORS; v++)
        slot[v] = _mm256_add_epi8(leaf, _mm256_cmpgt_epi8(limit, column[v]));
}

AVX2 static inline void ask_choice(int pages, const __m128i *set, const __m256i *codes, __m256i leaf, __m256i *slot)
{
    __m256i met[VECTORS];
    for (int v = 0; v < VECTORS; v++)
        met[v] = _mm256_setzero_si256();
    do {
        const __m256i bits = _mm256_broadcastsi128_si256(_mm_loadu_si128(set++));
        for (int v = 0; v < VECTORS; v++)
            met[v] = _mm256_or_si256(met[v], _mm256_and_si256(_mm256_shuffle_epi8(bits, codes[v]), codes[v + VECTORS]));
        codes += 2 * VECTORS;
    } while (--pages);
    for (int v = 0; v < VECTORS; v++)
        slot[v] = _mm256_add_epi8(leaf, _mm256_cmpeq_epi8(met[v], _mm256_setzero_si256()));
}

/* Fills the slots of one tree: the first, the root's, has the number of each row's leaf then. */
AVX2 static inline void wide_tree(const Wide *w, const Tree *t, const __m256i *bytes, __m256i *slots)
{
    const __m256i none = _mm256_setzero_si256();
    const Number *n = w->numbers;
    for (const Number *end = n + t->low_numbers; n < end; n++)
        ask_number(_mm256_set1_epi8((char)n->limit), bytes + n->column * VECTORS, _mm256_set1_epi8((char)n->leaf),
                   slots + n->slot * VECTORS);
    for (const Number *end = w->numbers + t->numbers; n < end; n++)
        ask_number(_mm256_set1_epi8((char)n->limit), bytes + n->column * VECTORS, none, slots + n->slot * VECTORS);
    const Choice *c = w->choices;
    for (const Choice *end = c + t->choices; c < end; c++)
        ask_choice(c->pages, w->sets + c->set, bytes + c->column * VECTORS, _mm256_set1_epi8((char)c->leaf),
                   slots + c->slot * VECTORS);
    const Lone *l = w->lones;
    for (const Lone *end = l + t->lones; l < end; l++)
        for (int v = 0; v < VECTORS; v++)
            slots[l->slot * VECTORS + v] = _mm256_set1_epi8((char)l->leaf);
    const Fold *f = w->folds;
    for (const Fold *end = f + t->folds; f < end; f++) {
        __m256i *slot = slots + f->slot * VECTORS;
        const __m256i *left = slots + f->left * VECTORS, *right = slots + f->right * VECTORS;
        for (int v = 0; v < VECTORS; v++)
            slot[v] = _mm256_blendv_epi8(right[v], left[v], slot[v]);
    }
}

AVX2 static inline void add_leaves(const float *leaves, const uint8_t *leaf, Py_ssize_t count, float *out)
{
    Py_ssize_t i = 0;
    for (; i + 8 <= count; i += 8) {
        uint64_t eight;
        memcpy(&eight, leaf + i, 8); /* one load in place of eight; a gather is no faster */
#define LEAF(k) leaves[eight >> 8 * k & 255]
        const __m256 told = _mm256_setr_ps(LEAF(0), LEAF(1), LEAF(2), LEAF(3), LEAF(4), LEAF(5), LEAF(6), LEAF(7));
#undef LEAF
        _mm256_storeu_ps(out + i, _mm256_add_ps(_mm256_loadu_ps(out + i), told));
    }
    for (; i < count; i++)
        out[i] += leaves[leaf[i]];
}

AVX2 static void wide_block(Wide w, const __m256i *bytes, __m256i *slots, Py_ssize_t count, float *out)
{
    for (Py_ssize_t t = 0; t < w.count; t++, w.trees++) {
        wide_tree(&w, w.trees, bytes, slots);
        const uint8_t *leaf = (const uint8_t *)(slots);
        float *told = out + t % w.outputs;
        if (w.outputs == 1)
            add_leaves(w.leaves, leaf, count, told);
        else
            for (Py_ssize_t i = 0; i < count; i++)
                told[i * w.outputs] += w.leaves[leaf[i]];
        w.numbers += w.trees->numbers;
        w.choices += w.trees->choices;
        w.lones += w.trees->lones;
        w.folds += w.trees->folds;
        w.leaves += w.trees->leaves;
    }
}
/* add_wide(trees, numbers, choices, lones, folds, leaves, sets, columns, features, thresholds, places, slots, outputs,
   rows, out): the same as `add`; rows may be in any order in memory. */
static PyObject *add_wide(PyObject *Py_UNUSED(self), PyObject *args)
{
    enum { TREES, NUMBERS, CHOICES, LONES, FOLDS, LEAVES, SETS, COLUMNS, FEATURES, THRESHOLDS, ROWS, OUT, BUFFERS };
    PyObject *given[BUFFERS], *answer = NULL;
    Py_buffer view[BUFFERS] = {{0}};
    Py_ssize_t places, slots;
    Wide w;
    int held = 0;
    if (!PyArg_ParseTuple(args, "OOOOOOOOOOnnnOO", &given[TREES], &given[NUMBERS], &given[CHOICES], &given[LONES],
                          &given[FOLDS], &given[LEAVES], &given[SETS], &given[COLUMNS], &given[FEATURES],
                          &given[THRESHOLDS], &places, &slots, &w.outputs, &given[ROWS], &given[OUT]))
        return NULL;
    for (; held < BUFFERS; held++)
        if (PyObject_GetBuffer(given[held], &view[held],
                               held == OUT ? PyBUF_WRITABLE : held == ROWS ? PyBUF_STRIDED_RO : PyBUF_SIMPLE) < 0)
            goto done;
    w.trees = view[TREES].buf;
    w.numbers = view[NUMBERS].buf;
    w.choices = view[CHOICES].buf;
    w.lones = view[LONES].buf;
    w.folds = view[FOLDS].buf;
    w.leaves = view[LEAVES].buf;
    w.sets = view[SETS].buf;
    w.columns = view[COLUMNS].buf;
    w.features = view[FEATURES].buf;
    w.thresholds = view[THRESHOLDS].buf;
    w.count = view[TREES].len / (Py_ssize_t)sizeof(Tree);
    w.made = view[COLUMNS].len / (Py_ssize_t)sizeof(Column);
    const Py_buffer *rows = &view[ROWS];
    if (w.outputs < 1 || places < 0 || slots < 1 || rows->ndim != 2 || rows->shape[1] * (Py_ssize_t)sizeof(Feature) != view[FEATURES].len ||
        rows->shape[0] != view[OUT].len / (w.outputs * 4)) {
        PyErr_SetString(PyExc_ValueError, "the arrays do not fit each other");
        goto done;
    }
    char *memory = PyMem_Calloc((size_t)(places + slots) * WIDE + 64, 1);
    if (memory == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    __m256i *bytes = (__m256i *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
    const Py_ssize_t count = rows->shape[0], along = rows->strides[0] / 4, across = rows->strides[1] / 4;
    float *out = view[OUT].buf;
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t i = 0; i < count; i += WIDE) {
        const int some = (int)(count - i < WIDE ? count - i : WIDE);
        wide_columns(&w, (const float *)rows->buf + i * along, along, across, some, bytes);
        wide_block(w, bytes, bytes + places * VECTORS, some, out + i * w.outputs);
    }
    Py_END_ALLOW_THREADS
    PyMem_Free(memory);
    answer = Py_NewRef(Py_None);
done:
    while (held-- > 0)
        PyBuffer_Release(&view[held]);
    return answer;
}

static PyObject *wide(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args))
{
    __builtin_cpu_init();
    return PyBool_FromLong(__builtin_cpu_supports("avx2"));
}
#else
static PyObject *add_wide(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args))
{
    PyErr_SetString(PyExc_NotImplementedError, "not for this machine");
    return NULL;
}

static PyObject *wide(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(args)) { return Py_NewRef(Py_False); }
#endif

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

/* A line through `size` points, at least two, of growing x: as Table of calibrate.py does it, operation by operation. */
static void interpolated(const double *x, const double *y, uint32_t size, const double *limits, const double *values,
                         Py_ssize_t count, double *out)
{
    for (Py_ssize_t i = 0; i < count; i += LANES) {
        const int lanes = (int)(count - i < LANES ? count - i : LANES);
        double inside[LANES] = {0};
        uint32_t below[LANES] = {0}; /* how many x are not above the value; the first one never is */
        for (int lane = 0; lane < lanes; lane++) {
            const double value = values[i + lane];
            inside[lane] = value < x[0] ? x[0] : value > x[size - 1] ? x[size - 1] : value;
        }
        for (uint32_t left = size; left > 1; left -= left / 2)
            for (int lane = 0; lane < LANES; lane++)
                below[lane] += (left / 2) * (x[below[lane] + left / 2] <= inside[lane]);
        for (int lane = 0; lane < lanes; lane++) {
            const uint32_t at = below[lane] < size - 1 ? below[lane] : size - 2;
            const double share = (inside[lane] - x[at]) / (x[at + 1] - x[at]);
            const double told = y[at] + (y[at + 1] - y[at]) * share;
            out[i + lane] = told < limits[0] ? limits[0] : told > limits[1] ? limits[1] : told;
        }
    }
}

/* interpolate(x, y, limits, values, out): the line at each value; limits are the least and the greatest y. */
static PyObject *interpolate(PyObject *Py_UNUSED(self), PyObject *args)
{
    enum { X, Y, LIMITS, VALUES, OUT, BUFFERS };
    PyObject *given[BUFFERS], *answer = NULL;
    Py_buffer view[BUFFERS] = {{0}};
    int held = 0;
    if (!PyArg_ParseTuple(args, "OOOOO", &given[X], &given[Y], &given[LIMITS], &given[VALUES], &given[OUT]))
        return NULL;
    for (; held < BUFFERS; held++)
        if (PyObject_GetBuffer(given[held], &view[held], held == OUT ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0)
            goto done;
    if (view[X].len < 16 || view[X].len != view[Y].len || view[LIMITS].len != 16 || view[VALUES].len != view[OUT].len) {
        PyErr_SetString(PyExc_ValueError, "the arrays do not fit each other");
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    interpolated(view[X].buf, view[Y].buf, (uint32_t)(view[X].len / 8), view[LIMITS].buf, view[VALUES].buf,
                 view[OUT].len / 8, view[OUT].buf);
    Py_END_ALLOW_THREADS
    answer = Py_NewRef(Py_None);
done:
    while (held-- > 0)
        PyBuffer_Release(&view[held]);
    return answer;
}

static inline int is_valid(const uint8_t *valid, int64_t place)
{
    return valid == NULL || (valid[place >> 3] >> (place & 7) & 1);
}

/* pick(valid, data, words, first, rows, out): of a column of Arrow, beginning at its entry `first`, the values of
   `rows` (int64) as float32; NaN for what is missing or infinite. `data` are float32 or, where there are `words`
   (float32), indices (int32) into them. `valid` may be None: nothing is missing then. */
static PyObject *pick(PyObject *Py_UNUSED(self), PyObject *args)
{
    enum { VALID, DATA, WORDS, ROWS, OUT, BUFFERS };
    PyObject *given[BUFFERS], *answer = NULL;
    Py_buffer view[BUFFERS] = {{0}};
    Py_ssize_t first;
    int held = 0;
    if (!PyArg_ParseTuple(args, "OOOnOO", &given[VALID], &given[DATA], &given[WORDS], &first, &given[ROWS],
                          &given[OUT]))
        return NULL;
    for (; held < BUFFERS; held++)
        if (given[held] != Py_None &&
            PyObject_GetBuffer(given[held], &view[held], held == OUT ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0)
            goto done;
    const int64_t *rows = view[ROWS].buf;
    const uint8_t *valid = view[VALID].buf;
    const float *numbers = view[DATA].buf, *words = view[WORDS].buf;
    const int32_t *indices = view[DATA].buf;
    const uint32_t known = (uint32_t)(view[WORDS].len / 4);
    float *out = view[OUT].buf;
    const Py_ssize_t count = view[ROWS].len / 8;
    if (view[OUT].len != count * 4) {
        PyErr_SetString(PyExc_ValueError, "the arrays do not fit each other");
        goto done;
    }
    if (given[WORDS] == Py_None)
        for (Py_ssize_t i = 0; i < count; i++) {
            const float value = numbers[first + rows[i]];
            out[i] = is_valid(valid, first + rows[i]) && !isinf(value) ? value : NAN;
        }
    else
        for (Py_ssize_t i = 0; i < count; i++) {
            const uint32_t index = (uint32_t)indices[first + rows[i]];
            out[i] = is_valid(valid, first + rows[i]) && index < known ? words[index] : NAN;
        }
    answer = Py_NewRef(Py_None);
done:
    while (held-- > 0)
        if (view[held].obj != NULL)
            PyBuffer_Release(&view[held]);
    return answer;
}

static PyMethodDef methods[] = {
    {"add", add, METH_VARARGS, "Adds every tree's leaf for every row."},
    {"wide", wide, METH_NOARGS, "Whether add_wide works on this machine."},
    {"add_wide", add_wide, METH_VARARGS, "The same for trees of few leaves, many rows at once."},
    {"probabilities", probabilities, METH_VARARGS, "Turns sums into probabilities, in place."},
    {"pick", pick, METH_VARARGS, "Values of some rows of a column of Arrow."},
    {"interpolate", interpolate, METH_VARARGS, "A piecewise linear function at many places."},
    {0},
};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_forest", NULL, 0, methods, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__forest(void) { return PyModuleDef_Init(&module); }
