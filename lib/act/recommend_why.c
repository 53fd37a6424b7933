/* SPDX-FileCopyrightText: 2026 the libfeedback authors
 * SPDX-License-Identifier: Apache-2.0 */
#include "act/recommend.h"

#include <math.h>
#include <string.h>

#include "base/table.h"
#include "base/time.h"

int32_t
fbk__answer_reason(const fbk__candidate *x)
{
    double history = FBK__HISTORY_WEIGHT * x->history;

    if (x->together > 0.0 && x->together >= x->again && x->together >= history)
        return FBK_REASON_TOGETHER;
    if (x->again > 0.0 && x->again >= history)
        return FBK_REASON_AGAIN;
    return history > 0.0 ? FBK_REASON_HISTORY : FBK_REASON_POPULAR;
}

uint32_t
fbk__answer_because(const fbk__answer *answer, const fbk__candidate *x)
{
    switch (fbk__answer_reason(x)) {
    case FBK_REASON_TOGETHER:
        return answer->model->cp.item[x->basket.number];
    case FBK_REASON_HISTORY:
        return answer->model->cp.item[x->past.number];
    default:
        return 0;
    }
}

/* "31 of the 120 people who bought TEA took it in the same order, 2 times as many as by chance" */
static void
why_together(const fbk__answer *answer, const fbk__candidate *x, const fbk__partner *with,
             const char *who, fbk__buf *text)
{
    const fbk__copurchase *cp = &answer->model->cp;
    double a = cp->people[with->number], b = cp->people[x->number];
    double lift = with->people * (double)cp->n_people / (a * b);

    fbk__buf_printf(text, "%u of the %u people who bought ", with->people,
                    cp->people[with->number]);
    fbk__buf_str(text, fbk__item_name(answer->items, cp->item[with->number]));
    fbk__buf_printf(text, "%s took it in the same order", who);
    if (lift >= 1.05) {
        fbk__buf_str(text, ", ");
        fbk__buf_double(text, round(lift * 10.0) / 10.0, 6);
        fbk__buf_str(text, " times as many as by chance");
    }
}

static void
why_again(const fbk__answer *answer, const fbk__candidate *x, fbk__buf *text)
{
    fbk__civil date;

    fbk__civil_from_us(x->last_us, &date);
    fbk__buf_printf(text, "in %u of this person's %u orders, last on %04d-%02d-%02d", x->times,
                    answer->taste.n_orders, date.year, date.month, date.day);
}

static void
why_popular(const fbk__answer *answer, const fbk__candidate *x, fbk__buf *text)
{
    const fbk__copurchase *cp = &answer->model->cp;

    if (x->place_people)
        fbk__buf_printf(text, "bought by %u of the %llu people who bought at %s", x->place_people,
                        (unsigned long long)answer->candidates.place_n_people,
                        fbk__place_code(answer->places, answer->place));
    else
        fbk__buf_printf(text, "bought by %u of %llu people", cp->people[x->number],
                        (unsigned long long)cp->n_people);
}

static void
why_weather(const fbk__answer *answer, const fbk__candidate *x, fbk__buf *text)
{
    fbk__climate_why why = FBK__CLIMATE_NO_CHANGE;
    double factor = fbk__context_factor(answer->climate, &answer->context,
                                        answer->model->cp.item[x->number], &why);

    if (factor == 1.0 || why == FBK__CLIMATE_NO_CHANGE)
        return;
    fbk__buf_str(text, "; it ");
    fbk__buf_str(text, fbk__climate_why_text(why, factor));
}

void
fbk__answer_why(const fbk__answer *answer, const fbk__candidate *x, fbk__buf *text)
{
    size_t start = text->len;

    switch (fbk__answer_reason(x)) {
    case FBK_REASON_TOGETHER:
        why_together(answer, x, &x->basket, "", text);
        break;
    case FBK_REASON_AGAIN:
        why_again(answer, x, text);
        break;
    case FBK_REASON_HISTORY:
        why_together(answer, x, &x->past, " (as this person did)", text);
        break;
    default:
        why_popular(answer, x, text);
    }
    why_weather(answer, x, text);
    fbk__buf_str(text, ".");
    if (!text->failed && text->data[start] >= 'a' && text->data[start] <= 'z')
        text->data[start] = (char)(text->data[start] - 'a' + 'A');
}

static const char *
reason_word(int32_t reason)
{
    static const char *const words[] = {"", "popular", "together", "again", "history"};

    return words[reason];
}

fbk_status
fbk__answer_stream(const fbk__answer *answer, struct ArrowArrayStream *out_rows)
{
    fbk__table *t = fbk__table_new(fbk__a(answer->db));
    int item = fbk__table_column(t, "item", FBK__TEXT, false);
    int name = fbk__table_column(t, "name", FBK__TEXT, false);
    int score = fbk__table_column(t, "score", FBK__DOUBLE, false);
    int reason = fbk__table_column(t, "reason", FBK__TEXT, false);
    int because = fbk__table_column(t, "because", FBK__TEXT, true);
    int because_name = fbk__table_column(t, "because_name", FBK__TEXT, true);
    int why = fbk__table_column(t, "why", FBK__TEXT, false);
    int weather = fbk__table_column(t, "weather_factor", FBK__DOUBLE, false);
    bool failed;
    fbk__buf text;

    fbk__buf_init(&text, fbk__a(answer->db));
    for (size_t i = 0; i < answer->n_best; i++) {
        const fbk__candidate *x = &answer->candidates.list[answer->best[i]];
        uint32_t id = answer->model->cp.item[x->number];
        uint32_t with = fbk__answer_because(answer, x);

        fbk__buf_clear(&text);
        fbk__answer_why(answer, x, &text);
        fbk__table_add_str(t, item, fbk__item_sku(answer->items, id));
        fbk__table_add_str(t, name, fbk__item_name(answer->items, id));
        fbk__table_add_double(t, score, x->score);
        fbk__table_add_str(t, reason, reason_word(fbk__answer_reason(x)));
        fbk__table_add_str(t, because, with ? fbk__item_sku(answer->items, with) : NULL);
        fbk__table_add_str(t, because_name, with ? fbk__item_name(answer->items, with) : NULL);
        fbk__table_add_text(t, why, text.data ? text.data : "", text.len);
        fbk__table_add_double(t, weather, x->weather);
    }
    failed = text.failed;
    fbk__buf_free(&text);
    if (failed) {
        fbk__table_free(t);
        return fbk__nomem(answer->db);
    }
    return fbk__table_stream(answer->db, t, 0, out_rows);
}
