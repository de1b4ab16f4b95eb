// The page stays at its end as it grows, unless its reader has scrolled up.

const NEAR_END = 120; // pixels; who has scrolled up further is reading, and is left there

/** Keeps the window at the end of the document from now on. */
export function stayAtEnd() {
  let isFollowing = true;
  let lastTop = window.scrollY;

  function onScroll() {
    // Our own scrolling is told late, when more may have come below: only moving up is a reader's wish.
    isFollowing = isAtEnd() || (isFollowing && window.scrollY >= lastTop);
    lastTop = window.scrollY;
  }

  function onGrowth() {
    if (isFollowing) window.scrollTo(0, document.documentElement.scrollHeight);
  }

  window.addEventListener("scroll", onScroll, { passive: true });
  new ResizeObserver(onGrowth).observe(document.body);
}

function isAtEnd() {
  return document.documentElement.scrollHeight - window.innerHeight - window.scrollY < NEAR_END;
}
