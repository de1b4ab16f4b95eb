// Presses that were not meant: an answer brings the next question within milliseconds, and the second half of
// a double click, or a key that is held a little long, would answer that one too.

/** Keeps them from everything inside `root`. @param {HTMLElement} root */
export function ignoreUnmeant(root) {
  const drop = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  const onClick = (event) => event.detail === 2 && event.target.closest("button") && drop(event);
  const onKey = (event) => event.key === "Enter" && event.repeat && !event.shiftKey && drop(event);
  root.addEventListener("click", onClick, { capture: true });
  root.addEventListener("keydown", onKey, { capture: true });
}
