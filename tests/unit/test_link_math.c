/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "record/link_math.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "support/tk.h"

START_TEST(values_are_normalised)
{
    static const struct {
        const char *space, *value, *expect;
    } cases[] = {
        {"email", "  Ann.Lee@Shop.DE \r\n", "ann.lee@shop.de"},
        {"email", "mailto:Ann@shop.de", "ann@shop.de"},
        {"email", "MAILTO: mailto: x@y.z", "x@y.z"},
        {"email", "Änn@shop.de", "Änn@shop.de"}, /* only ASCII is folded */
        {"phone", "+49 171 / 123-45 67", "491711234567"},
        {"phone", "0049 (0)171 1234567", "491711234567"},
        {"phone", "tel:+49-171-1234567;ext=9", "491711234567"},
        {"phone", "+1 (212) 555 0100 x12", "12125550100"},
        {"phone", "+0000 49171", "49171"},
        {"phone", "0171 1234567", "01711234567"}, /* whose country is not known here */
        {"phone", "call me", ""},
        {"loyalty", "\t aB-17 ", "aB-17"},
        {"cookie", "", ""},
        {"cookie", " \n ", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64];
        size_t len = strlen(cases[i].value);
        size_t n;

        memcpy(out, cases[i].value, len); /* in place is allowed */
        n = fbk__identity_normalise(cases[i].space, out, len, out);
        ck_assert_msg(n == strlen(cases[i].expect) && memcmp(out, cases[i].expect, n) == 0,
                      "%s became %.*s", cases[i].value, (int)n, out);
        ck_assert_uint_eq(fbk__identity_normalise(cases[i].space, out, n, out), n);
        ck_assert_mem_eq(out, cases[i].expect, n);
    }
}
END_TEST

START_TEST(namespaces_are_lower_case_words)
{
    static const char longest[] =
        "a23456789012345678901234567890123456789012345678901234567890abcde";

    ck_assert(fbk__identity_space("email", 5) && fbk__identity_space("x_1", 3));
    ck_assert(!fbk__identity_space("Email", 5) && !fbk__identity_space("1x", 2));
    ck_assert(!fbk__identity_space("a-b", 3) && !fbk__identity_space("", 0));
    ck_assert(fbk__identity_space(longest, 64) && !fbk__identity_space(longest, 65));
}
END_TEST

START_TEST(values_that_say_nothing_are_blocked)
{
    static const struct {
        const char *space, *value;
        bool blocked;
    } cases[] = {
        {"loyalty", "", true},
        {"loyalty", "null", true},
        {"loyalty", "NULL", true},
        {"loyalty", "None", true},
        {"loyalty", "n/a", true},
        {"loyalty", "Unknown", true},
        {"loyalty", "test", true},
        {"loyalty", "tests", false},
        {"loyalty", "0", true},
        {"loyalty", "000-00", true},
        {"cookie", "00000000-0000-0000-0000-000000000000", true},
        {"loyalty", "---", true},
        {"loyalty", "?", true},
        {"loyalty", "99999999", true},
        {"loyalty", "22222", false}, /* a shop numbers its customers */
        {"loyalty", "17850", false},
        {"loyalty", "7", false},
        {"loyalty", "é", false},
        {"email", "ann@shop.de", false},
        {"email", "ann@example.com", false},
        {"email", "test@shop.de", true},
        {"email", "noreply@shop.de", true},
        {"email", "testa@shop.de", false},
        {"email", "ann", true},
        {"email", "@shop.de", true},
        {"email", "ann@", true},
        {"phone", "491711234567", false},
        {"phone", "1234", true},
        {"phone", "1234567890", true},
        {"phone", "55555555", true},
        {"phone", "1234567890123456", true},
        {"phone", "123456789012345", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(fbk__identity_blocked(cases[i].space, cases[i].value,
                                            strlen(cases[i].value)) == cases[i].blocked,
                      "%s %s", cases[i].space, cases[i].value);
    ck_assert(fbk__identity_anonymous("cookie") && !fbk__identity_anonymous("email"));
}
END_TEST

START_TEST(masks_hide_the_value)
{
    static const struct {
        const char *space, *value, *expect;
    } cases[] = {
        {"email", "ann@shop.de", "a***@shop.de"},
        {"loyalty", "ann@shop.de", "a***"},
        {"loyalty", "äöü", "ä***"},
        {"loyalty", "", ""},
    };
    char longer[300];
    char out[80];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = fbk__identity_mask(cases[i].space, cases[i].value, strlen(cases[i].value), out);

        ck_assert_uint_eq(n, strlen(cases[i].expect));
        ck_assert_mem_eq(out, cases[i].expect, n);
    }
    memset(longer, 'x', sizeof longer);
    longer[3] = '@';
    ck_assert_uint_eq(fbk__identity_mask("email", longer, sizeof longer, out), 4);
}
END_TEST

enum { EVENT = 1, LINK = FBK__RULE_EXPLICIT, UNLINK = FBK__RULE_UNLINK };

/* One pair, rows of (rule, first, last); is it linked as of …? */
START_TEST(pairs_are_linked_as_of)
{
    static const struct {
        fbk__evidence rows[3];
        size_t n;
        int64_t as_of;
        bool linked;
    } cases[] = {
        {{{1, 2, EVENT, 0, 5, 9}}, 1, INT64_MAX, true},
        {{{1, 2, EVENT, 0, 5, 9}}, 1, 5, true},
        {{{1, 2, EVENT, 0, 5, 9}}, 1, 4, false},
        {{{1, 2, EVENT, 0, 5, 9}, {1, 2, UNLINK, 0, 7, 7}}, 2, INT64_MAX, false},
        {{{1, 2, EVENT, 0, 5, 9}, {1, 2, UNLINK, 0, 7, 7}}, 2, 6, true},
        {{{1, 2, LINK, 0, 1, 9}, {1, 2, UNLINK, 0, 5, 5}}, 2, INT64_MAX, true},
        {{{1, 2, LINK, 0, 1, 9}, {1, 2, UNLINK, 0, 5, 5}}, 2, 7, false},
        {{{1, 2, LINK, 0, 1, 9}, {1, 2, UNLINK, 0, 5, 5}}, 2, 3, true},
        {{{1, 2, LINK, 0, 1, 9}, {1, 2, UNLINK, 0, 5, 5}}, 2, 0, false},
        {{{1, 2, LINK, 0, 1, 6}, {1, 2, UNLINK, 0, 5, 8}}, 2, 7, true},
        {{{1, 2, LINK, 0, 5, 5}, {1, 2, UNLINK, 0, 5, 5}}, 2, INT64_MAX, false}, /* at a tie */
        {{{1, 2, UNLINK, 0, 5, 5}}, 1, INT64_MAX, false},
        {{{1, 2, EVENT, 0, 9, 9}, {1, 2, LINK, 0, 6, 6}, {1, 2, UNLINK, 0, 5, 5}}, 3, 8, true},
        {{{1, 2, 17, 0, -9, 9}}, 1, -9, true}, /* a rule of tomorrow is evidence too */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fbk__edge out[3];
        size_t n = fbk__link_active(cases[i].rows, cases[i].n, cases[i].as_of, out);

        ck_assert_msg(n == cases[i].linked, "case %zu", i);
        ck_assert(!n || (out[0].a == 1 && out[0].b == 2));
    }
}
END_TEST

/* ---- partitions against the definition ---- */

enum { NODES = 30, CLASSES = 3 };

static const uint32_t limits[CLASSES] = {3, 5, 2};
static uint16_t class_of[NODES + 1];

typedef struct naive {
    bool linked[NODES + 1][NODES + 1];
    bool alone[NODES + 1];
    uint32_t profile[NODES + 1];
} naive;

/* The definition, word by word: reachability by repeated widening. */
static void
naive_solve(naive *v, const uint32_t *blocked, size_t n_blocked)
{
    bool changed = true;

    for (int i = 1; i <= NODES; i++) {
        uint32_t n[CLASSES] = {0};

        v->alone[i] = false;
        v->profile[i] = (uint32_t)i;
        for (int k = 1; k <= NODES; k++)
            n[class_of[k]] += v->linked[i][k];
        for (int c = 0; c < CLASSES; c++)
            v->alone[i] |= n[c] > limits[c];
    }
    for (size_t i = 0; i < n_blocked; i++)
        v->alone[blocked[i]] = true;
    while (changed) {
        changed = false;
        for (int i = 1; i <= NODES; i++) {
            for (int k = 1; k <= NODES; k++) {
                if (v->linked[i][k] && !v->alone[i] && !v->alone[k] &&
                    v->profile[k] < v->profile[i]) {
                    v->profile[i] = v->profile[k];
                    changed = true;
                }
            }
        }
    }
}

static fbk__partition
solve(const fbk__edge *edges, size_t n, const uint32_t *blocked, size_t n_blocked,
      const fbk_allocator *a)
{
    fbk__partition_input in = {.a = a,
                               .edges = edges,
                               .n_edges = n,
                               .n_nodes = NODES,
                               .n_classes = CLASSES,
                               .class_of = class_of,
                               .limits = limits,
                               .blocked = blocked,
                               .n_blocked = n_blocked};
    fbk__partition p;

    ck_assert(fbk__partition_make(&in, &p));
    return p;
}

static size_t
edges_of(const naive *v, fbk__edge *out)
{
    size_t n = 0;

    for (uint32_t i = 1; i <= NODES; i++) {
        for (uint32_t k = i + 1; k <= NODES; k++) {
            if (v->linked[i][k])
                out[n++] = (fbk__edge){i, k};
        }
    }
    return n;
}

/* One assertion for all: Check reports each to its parent process. */
static void
assert_partition(const fbk__partition *p, const naive *v)
{
    uint32_t in_groups = 0;
    bool ok = true;

    for (uint32_t i = 1; i <= NODES; i++) {
        const uint32_t *members;
        bool found = false;
        size_t n;

        ok = ok && p->set_of[i] == v->profile[i];
        members = fbk__partition_members(p, &p->set_of[i], &n);
        for (size_t k = 0; k < n; k++) {
            found |= members[k] == i;
            ok = ok && v->profile[members[k]] == v->profile[i];
            ok = ok && (k == 0 || members[k] > members[k - 1]);
        }
        ok = ok && found && (!fbk__partition_crowd(p, i) || v->alone[i]);
        in_groups += n > 1;
    }
    ck_assert(ok && in_groups == p->start[p->n_groups]);
}

/* Random links and unlinks; after each, the sets are those of the definition. */
START_TEST(partitions_equal_the_definition)
{
    static fbk__edge edges[NODES * NODES];
    naive v = {0};
    fbk__rng rng;
    int merges = 0;
    int crowds = 0;

    fbk__rng_seed(&rng, (uint64_t)_i + 1);
    for (uint32_t i = 1; i <= NODES; i++)
        class_of[i] = (uint16_t)fbk__rng_below(&rng, CLASSES);
    for (int step = 0; step < 400; step++) {
        uint32_t a = 1 + (uint32_t)fbk__rng_below(&rng, NODES);
        uint32_t b = 1 + (uint32_t)fbk__rng_below(&rng, NODES);
        uint32_t blocked[] = {3, 17, NODES + 5};
        size_t n_blocked = fbk__rng_below(&rng, 2) ? 3 : 0;
        fbk__partition p;
        size_t n;

        if (a == b)
            continue;
        /* Two links for one unlink, until half the steps are done; then the other way round. */
        v.linked[a][b] = v.linked[b][a] = fbk__rng_below(&rng, 30) < (step < 200 ? 20 : 2);
        naive_solve(&v, blocked, n_blocked ? 2 : 0);
        n = edges_of(&v, edges);
        for (uint32_t i = 1; i <= NODES; i++) {
            crowds += v.alone[i];
            merges += v.profile[i] != i;
        }
        p = solve(edges, n, blocked, n_blocked, NULL);
        assert_partition(&p, &v);
        fbk__partition_free(&p);
        /* In any order of the same links. */
        for (size_t i = n; i > 1; i--) {
            size_t k = (size_t)fbk__rng_below(&rng, i);
            fbk__edge swap = edges[k];

            edges[k] = edges[i - 1];
            edges[i - 1] = swap;
        }
        p = solve(edges, n, blocked, n_blocked, NULL);
        assert_partition(&p, &v);
        fbk__partition_free(&p);
    }
    ck_assert_int_gt(merges, 100);
    ck_assert_int_gt(crowds, 100);
}
END_TEST

/* A card of the shop itself, linked with one more than its limit, joins nobody; with one less it
 * joins all. */
START_TEST(crowds_join_nobody)
{
    fbk__edge edges[8];
    fbk__partition p;
    const fbk__crowd *crowd;

    for (uint32_t i = 1; i <= NODES; i++)
        class_of[i] = i == 1 ? 2 : 0;
    for (uint32_t i = 0; i < 4; i++)
        edges[i] = (fbk__edge){1, 2 + i};
    p = solve(edges, 3, NULL, 0, NULL);
    ck_assert_uint_eq(p.set_of[4], 1);
    ck_assert_uint_eq(p.n_crowds, 0);
    ck_assert_uint_eq(p.n_groups, 1);
    fbk__partition_free(&p);
    p = solve(edges, 4, NULL, 0, NULL);
    for (uint32_t i = 1; i <= NODES; i++)
        ck_assert_uint_eq(p.set_of[i], i);
    crowd = fbk__partition_crowd(&p, 1);
    ck_assert_ptr_nonnull(crowd);
    ck_assert(crowd->neighbours == 4 && crowd->limit == 3 && crowd->class_of == 0);
    ck_assert_ptr_null(fbk__partition_crowd(&p, 2));
    ck_assert_uint_eq(p.n_groups, 0);
    fbk__partition_free(&p);
}
END_TEST

START_TEST(partition_without_memory_leaves_nothing)
{
    fbk__edge edges[NODES];
    tk_alloc a;

    tk_alloc_init(&a);
    for (uint32_t i = 1; i <= NODES; i++)
        class_of[i] = 0;
    for (uint32_t i = 0; i < 6; i++)
        edges[i] = i < 5 ? (fbk__edge){1, i + 2} : (fbk__edge){8, 9};
    for (int64_t k = 0;; k++) {
        fbk__partition_input in = {.a = &a.allocator,
                                   .edges = edges,
                                   .n_edges = 6,
                                   .n_nodes = NODES,
                                   .n_classes = CLASSES,
                                   .class_of = class_of,
                                   .limits = limits};
        fbk__partition p = {0};
        bool ok;

        a.n_calls = 0;
        a.fail_at = k;
        ok = fbk__partition_make(&in, &p);
        if (ok)
            fbk__partition_free(&p);
        else
            ck_assert_ptr_null(p.set_of);
        ck_assert_int_eq(a.n_live, 0);
        if (ok) {
            ck_assert_int_gt(k, 6);
            break;
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("link_math");
    TCase *tc = tcase_create("link_math");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, values_are_normalised);
    tcase_add_test(tc, namespaces_are_lower_case_words);
    tcase_add_test(tc, values_that_say_nothing_are_blocked);
    tcase_add_test(tc, masks_hide_the_value);
    tcase_add_test(tc, pairs_are_linked_as_of);
    tcase_add_loop_test(tc, partitions_equal_the_definition, 0, 10);
    tcase_add_test(tc, crowds_join_nobody);
    tcase_add_test(tc, partition_without_memory_leaves_nothing);
    suite_add_tcase(suite, tc);
    return tk_run(suite);
}
