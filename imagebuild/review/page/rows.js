/* Who reads the document in its own order hears rows and places in theirs: where an element goes among its neighbours,
   and a few that stand in the wrong order put right. It knows nothing of what they show. */
(function () {
  "use strict";

  /* `map`: index → node of all that stand in `parent` already, in any order. */
  function insert(parent, map, index, node) {
    let next = null;
    let nearest = Infinity;
    for (const [other, held] of map) {
      if (other > index && other < nearest) {
        nearest = other;
        next = held;
      }
    }
    parent.insertBefore(node, next);
  }

  /* The longest run of places that rises, with `held` in it where there is one: as a set of indices. */
  function rising(places, held) {
    const fits = (index) => held < 0 || index === held || (index < held ? places[index] < places[held] : places[index] > places[held]);
    const runs = places.map((_, index) => ({ length: fits(index) ? 1 : 0, before: -1 }));
    for (let index = 0; index < places.length; index += 1) {
      if (!fits(index)) continue;
      for (let other = 0; other < index; other += 1) {
        const longer = runs[other].length && places[other] < places[index] && runs[other].length >= runs[index].length;
        if (longer) runs[index] = { length: runs[other].length + 1, before: other };
      }
    }
    let last = runs.reduce((best, run, index) => (best < 0 || run.length > runs[best].length ? index : best), -1);
    const found = new Set();
    for (; last >= 0; last = runs[last].before) found.add(last);
    return found;
  }

  /* `nodes` in the order in which they should stand. As few as possible are moved, for each that is moved is laid out and
     painted anew; never the one at `held`, which has the focus and would lose it. */
  function reorder(parent, nodes, held) {
    const place = new Map([...parent.children].map((node, index) => [node, index]));
    const stays = rising(nodes.map((node) => place.get(node)), held);
    for (let index = nodes.length - 1; index >= 0; index -= 1) {
      if (!stays.has(index)) parent.insertBefore(nodes[index], nodes[index + 1] || null);
    }
  }

  review.rows = { insert, reorder };
})();
