/* The machine of _members.c and _rows.c: expressions over many members, or rows, at once.

   They are computed in blocks small enough for the cache, one operation over the block after the other. Every value has 64
   bits: a number, a double, or a truth (0, 1). What takes more than a glance, such as a sum beyond its type's range, makes the
   member odd, and is left to the engine. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONSTANT, FIELD, FUNCTION, EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, NOT, AND, OR, IS_NULL, COALESCE, CASE,
    LEAST, GREATEST, TO_DOUBLE, SAME, ADD, SUBTRACT, MULTIPLY, DIVIDE, REMAINDER, NEGATE
};
enum { INTEGER, BIGINT, DOUBLE, BOOLEAN };

/* `kind` is the type of the arguments where they decide, else that of the value */
typedef struct {
    int32_t op, kind, a, b, c;
} Step;

typedef union {
    int64_t i;
    double d;
} Lane;

typedef struct Work {
    const Step *steps;
    size_t step_count;
    size_t room;              /* members that a block can have */
    Lane *lanes;
    uint8_t *null, *odd;      /* of each step, of the block */
    uint8_t *raises;          /* of each step: is it a constant that raises? */
    const int64_t *constants; /* value and state (0: a value, 1: NULL, 2: it raises) of each */
    /* computes a FIELD or FUNCTION for `n` members, the first of which is member `from` of all */
    void (*leaf)(struct Work *w, const Step *s, size_t place, size_t from, size_t n);
    const void *in;           /* what `leaf` looks at */
    uint8_t *chosen;          /* of each list of conditions, where there are such */
} Work;

static inline int bit(const uint8_t *bits, size_t i)
{
    return bits[i >> 3] >> (i & 7) & 1;
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

/* Of doubles, engines do not agree on NaN, nor on which of two zeros is the greater. */
static void extreme(Work *w, const Step *s, Lane *restrict out, const Lane *a, const Lane *b, const uint8_t *null, size_t n)
{
    if (s->kind != DOUBLE) {
        for (size_t i = 0; i < n; i++)
            out[i].i = (s->op == LEAST) == (a[i].i < b[i].i) ? a[i].i : b[i].i;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t strange = a[i].d != a[i].d || b[i].d != b[i].d || (a[i].d == b[i].d && a[i].i != b[i].i);
        out[i] = (s->op == LEAST) == (a[i].d < b[i].d) ? a[i] : b[i];
        w->odd[i] |= strange & !null[i];
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
    case LEAST: case GREATEST:
        extreme(w, s, out, a, b, null, n);
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
    const int64_t *given = w->constants;
    for (size_t place = 0; place < w->step_count; place++) {
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
    for (size_t place = 0; place < w->step_count; place++) {
        const Step *s = &w->steps[place];
        Lane *out = w->lanes + place * w->room;
        uint8_t *null = w->null + place * w->room;
        switch (s->op) {
        case CONSTANT:
            if (w->raises[place])
                memset(w->odd, 1, n);
            break;
        case FIELD: case FUNCTION:
            w->leaf(w, s, place, from, n);
            break;
        case AND: case OR: case IS_NULL: case COALESCE: case CASE:
            lazy(w, s, out, null, n);
            break;
        default:
            strict(w, s, out, null, n);
        }
    }
}

/* Room for blocks of so many members; 0 where memory ran out. */
static int make_room(Work *w, size_t room)
{
    w->room = room;
    w->lanes = malloc(w->step_count * room * sizeof *w->lanes + 1);
    w->null = malloc(w->step_count * room + 1);
    w->odd = malloc(room + 1);
    w->raises = calloc(w->step_count + 1, 1);
    if (!w->lanes || !w->null || !w->odd || !w->raises)
        return 0;
    constants(w);
    return 1;
}

static void free_room(Work *w)
{
    free(w->lanes);
    free(w->null);
    free(w->odd);
    free(w->raises);
}

/* Does a step that is no leaf look at steps before it, and at as many as it needs? */
static int refers_back(const Step *s, Py_ssize_t place)
{
    return s->op > FUNCTION && s->op <= NEGATE && s->a >= 0 && s->a < place && s->b < place && s->c < place
        && (s->b >= 0 || s->op == NOT || s->op == IS_NULL || s->op == TO_DOUBLE || s->op == SAME || s->op == NEGATE)
        && (s->c >= 0 || s->op != CASE);
}
