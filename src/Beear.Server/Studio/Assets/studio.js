// The studio's only script. It makes a page of what is under way again, streams answers, and knows two keys.
// Whatever a model wrote becomes text of the page, never markup: append() with a string makes a text node.
'use strict';

const live = () => document.getElementById('live');

/** Fetches the page again and exchanges its live part, until the page says that nothing is under way. */
async function refresh() {
  const part = live();
  const pause = Number(part?.dataset.refresh);
  if (!pause) return;
  await new Promise(resolve => setTimeout(resolve, pause));
  if (document.hidden) await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
    if (answer.ok) {
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('live');
      if (next && next.outerHTML !== seen) exchange(part, next);
    }
  } catch {
    // The server has ended, or is not reached for a moment: what was seen last stays.
  }
  refresh();
}

let seen = live()?.outerHTML;

function exchange(part, next) {
  seen = next.outerHTML;
  const open = [...part.querySelectorAll('details')].map(one => one.open);
  const scrolled = [...part.querySelectorAll('.scroll')].map(one => [one.scrollLeft, one.scrollTop]);
  const focused = [...part.querySelectorAll('a, button, summary, [tabindex]')].indexOf(document.activeElement);
  part.replaceWith(next);
  next.querySelectorAll('details').forEach((one, i) => { if (open[i]) one.open = true; });
  next.querySelectorAll('.scroll').forEach((one, i) => { if (scrolled[i]) [one.scrollLeft, one.scrollTop] = scrolled[i]; });
  if (focused >= 0) next.querySelectorAll('a, button, summary, [tabindex]')[focused]?.focus({ preventScroll: true });
}

refresh();

// "/" goes to the filter, Escape leaves it.
document.addEventListener('keydown', event => {
  const typing = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
  if (event.key === 'Escape' && typing) event.target.blur();
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const filter = document.querySelector('[data-key="/"]');
  if (!filter) return;
  event.preventDefault();
  filter.focus();
  filter.select();
});

// Compare: four answers as they come.
const form = document.getElementById('compare');
form?.addEventListener('submit', event => {
  event.preventDefault();
  ask(form);
});

async function ask(asked) {
  const [note, halt, send] = [document.getElementById('note'), document.getElementById('halt'), asked.querySelector('[type=submit]')];
  const streams = [...document.querySelectorAll('[data-column]')], ends = [...document.querySelectorAll('[data-end]')];
  const fields = new URLSearchParams(new FormData(asked));
  history.replaceState(null, '', `/compare?${fields}`);              // a link that can be shared
  for (const one of [...streams, ...ends]) one.replaceChildren();
  const leave = new AbortController();
  const stop = () => leave.abort();
  halt.addEventListener('click', stop, { once: true });
  [halt.hidden, send.disabled, note.textContent] = [false, true, 'Asking …'];
  try {
    const answer = await fetch('/compare', {
      method: 'POST', body: fields, signal: leave.signal, headers: { 'X-Form-Token': asked.dataset.token },
    });
    if (!answer.ok) throw new Error(await answer.text());
    note.textContent = '';
    for await (const line of lines(answer.body)) show(JSON.parse(line), streams, ends, note);
  } catch (failure) {
    note.textContent = leave.signal.aborted ? 'Stopped.' : failure.message;
  } finally {
    halt.removeEventListener('click', stop);
    [halt.hidden, send.disabled] = [true, false];
    for (const one of streams) one.classList.remove('writing');
  }
}

function show(line, streams, ends, note) {
  if (line.error) throw new Error(line.error);
  if (line.note !== undefined) note.textContent = line.note;
  if (line.done) note.textContent = 'All answers are there.';
  const stream = streams[line.column];
  if (!stream) return;
  if (line.begins) stream.classList.add('writing');
  if (line.text) {
    // A thought stands in an element of its own.
    const last = stream.lastElementChild;
    const to = !line.is_thought ? stream : last?.className === 'thought' && last === stream.lastChild ? last
      : stream.appendChild(Object.assign(document.createElement('span'), { className: 'thought' }));
    to.append(line.text);
  }
  if (line.end !== undefined) {
    stream.classList.remove('writing');
    ends[line.column].textContent = line.end;
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    yield* parts.filter(part => part);
  }
}
