"use strict";
// The grading desk: shows one answer at a time, and sends marks. Only what the server made harmless
// becomes HTML here (the fields `html`, `text` of a question, `scheme`); all else becomes text.

const words = JSON.parse(document.body.dataset.words);
const at = (id) => document.getElementById(id);
const KEY = "desk-key";
const STEP = 0.5;
const MOST_MEMBERS = 30;

let questions = [];
let undoable = 0;
let question = 0;
let answer = null;
let points = [];
let members = []; // the alike answers that are shown
let busy = false;
let started = false;
let begins = []; // of each question: where this grader starts

function say(key, values = {}) {
  return words[key].replace(/{(\w+)}/g, (_, name) => String(values[name]));
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function tell(text) {
  at("told").textContent = text;
}

class Refused extends Error {
  constructor(status, sent) {
    super(sent.sentence);
    this.status = status;
    this.sent = sent;
  }
}

async function ask(path, sent) {
  const headers = { "X-Desk-Key": sessionStorage.getItem(KEY) ?? "" };
  const request = sent === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(sent) };
  let response, body;
  try {
    response = await fetch(`/api/${path}`, request);
    body = await response.json();
  } catch {
    throw new Refused(0, { sentence: words.closed });
  }
  if (!response.ok) throw new Refused(response.status, body);
  return body;
}

// One thing at a time; what is in the way is said in a sentence.
async function during(work) {
  if (busy) return;
  busy = true;
  try {
    await work();
  } catch (error) {
    tell(error.message);
    if (error.status === 403) at("desk").hidden = true;
    if (error.status === 409) {
      await look();
      await open(answer.id);
      tell(error.message);
    }
  } finally {
    busy = false;
  }
}

// ---- which answer

async function look() {
  const overview = await ask("overview");
  ({ questions } = overview);
  undoable = overview.undo;
  if (!started) {
    started = true;
    begins = questions.map((each) => Math.floor(overview.start * each.answers.length));
  }
  showOverview();
}
function order() {
  return questions[question].answers;
}

function waiting(index) {
  return order()[index].waiting;
}

function nextWaiting() {
  const count = order().length;
  const now = answer ? order().findIndex((each) => each.id === answer.id) : begins[question] - 1;
  for (let step = 1; step <= count; step += 1) {
    const index = (now + step + count) % count;
    if (waiting(index)) return order()[index].id;
  }
  return null;
}

async function openNext() {
  const id = nextWaiting();
  if (id !== null) return open(id);
  await open(answer === null ? order()[0].id : answer.id);
  const other = questions.findIndex((each) => each.answers.some((one) => one.waiting));
  tell(other < 0 ? words.all_done : say("question_done", { title: questions[other].title }));
}

async function move(step) {
  const count = order().length;
  const now = order().findIndex((each) => each.id === answer.id);
  tell("");
  await open(order()[(now + step + count) % count].id);
}

async function choose(index) {
  question = index;
  answer = null;
  tell("");
  showOverview();
  await openNext();
}

async function open(id) {
  const of = questions.findIndex((each) => each.answers.some((one) => one.id === id));
  if (of >= 0) question = of;
  answer = await ask(`answer/${id}`);
  points = answer.points ? [...answer.points] : questions[question].lines.map(() => null);
  members = [];
  showOverview();
  showAnswer();
}

// ---- marks

async function record() {
  if (points.every((given) => given === null)) return tell(words.no_points);
  const chosen = members.filter((each) => at(`with-${each.id}`).checked);
  const answers = [answer, ...chosen].map(({ id, stamp }) => ({ id, stamp }));
  const sent = { answers, points: points.map((given) => given ?? 0), comment: at("comment").value };
  const { second } = await ask("record", sent);
  at("comment").blur(); // what is typed next are keys again
  await look();
  tell(second ? words.recorded_second : say(answers.length > 1 ? "recorded_many" : "recorded", { count: answers.length }));
  await openNext();
}

async function undo() {
  const { answers } = await ask("undo", {});
  await look();
  await open(answers[0]);
  tell(say("undone", { count: answers.length }));
}

function give(line, value) {
  points[line] = value;
  showPoints();
}

function cycle(line) {
  const most = questions[question].lines[line]?.points;
  if (most === undefined) return;
  const now = points[line];
  give(line, now === null || now === 0 ? most : now - STEP);
}

function takeSuggestions() {
  answer.lines.forEach((line, index) => {
    if (line.suggestion) points[index] = Math.round(line.suggestion.points / STEP) * STEP;
  });
  showPoints();
}

function add(comment) {
  const box = at("comment");
  if (box.value.includes(comment)) return;
  box.value = box.value.trim() ? `${box.value.trim()}\n\n${comment}` : comment;
}

// ---- what is shown

function showOverview() {
  const all = questions[question];
  at("questions").replaceChildren(
    ...questions.map((each, index) => {
      const button = make("button", { type: "button" }, each.title);
      button.setAttribute("aria-current", String(index === question));
      button.addEventListener("click", () => during(() => choose(index)));
      return button;
    }),
  );
  const done = all.answers.filter((each) => !each.waiting).length;
  at("bar").max = all.answers.length;
  at("bar").value = done;
  at("count").textContent = say("progress", { done, of: all.answers.length });
  at("undo").disabled = undoable === 0;
}

function showAnswer() {
  const all = questions[question];
  at("desk").hidden = false;
  const number = order().findIndex((each) => each.id === answer.id) + 1;
  const alike = order().filter((each) => each.group === answer.group && each.waiting && each.id !== answer.id);
  at("place").textContent = [
    say("place_of", { number, of: order().length }),
    answer.student,
    answer.second ? words.second_reading : "",
    answer.waiting ? "" : words.is_graded,
  ].filter(Boolean).join(" · ");
  at("question").innerHTML = all.text;
  at("answer").innerHTML = answer.empty ? "" : answer.html;
  if (answer.empty) at("answer").append(make("p", { className: "quiet" }, words.empty));
  at("figures").replaceChildren(...figures(answer));
  at("tables").replaceChildren(...tables(answer.tables));
  at("scheme").innerHTML = all.scheme;
  at("marks").textContent = answer.marks.join(" · ");
  at("comment").value = answer.comment;
  at("alike").hidden = true;
  at("group").setAttribute("aria-pressed", "false");
  at("group").textContent = say("show_alike_count", { count: alike.length });
  at("group").disabled = alike.length === 0;
  showLines();
  showPoints();
  at("answer").scrollIntoView({ block: "nearest" });
}

function figures(of) {
  return of.figures.map((each) => make("li", { className: each.kind }, each.text));
}

function tables(all) {
  if (all.length === 0) return [make("p", { className: "quiet" }, words.no_table)];
  const [nearest, ...others] = all.map(table);
  if (others.length === 0) return [nearest];
  const more = make("details", {}, make("summary", {}, words.other_tables), ...others);
  return [nearest, more];
}

function table({ caption, heads, rows, quoted }) {
  const marked = new Set(quoted.map(([row, column]) => `${row},${column}`));
  const head = heads.map((text, column) =>
    text ? make("th", { scope: "col" }, text) : make(column ? "th" : "td", {}, text || " "));
  const body = rows.map((row, index) =>
    make("tr", {}, ...row.map((text, column) =>
      column
        ? make("td", { className: marked.has(`${index},${column}`) ? "quoted" : "" }, text)
        : make("th", { scope: "row" }, text))));
  const whole = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  if (caption) whole.prepend(make("caption", {}, caption));
  const wide = make("div", { className: "wide", tabIndex: 0 }, whole);
  wide.setAttribute("role", "region");
  wide.setAttribute("aria-label", caption || words.own_table);
  return wide;
}

function showLines() {
  at("lines").replaceChildren(...questions[question].lines.map((line, index) => {
    const told = answer.lines[index];
    const legend = make("legend", {}, make("kbd", {}, String(index + 1)));
    const text = make("span");
    text.innerHTML = line.html || words.all_points;
    legend.append(text);
    const choices = make("div", { className: "choices" });
    for (let value = 0; value <= line.points; value += STEP) {
      const box = make("input", { type: "radio", name: `line-${index}`, value: String(value) });
      box.addEventListener("change", () => give(index, value));
      const label = make("label", {}, box, make("span", {}, String(value)));
      if (told.suggestion?.points === value) label.className = "suggested";
      choices.append(label);
    }
    const field = make("fieldset", { id: `line-${index}` }, legend, choices);
    if (told.suggestion) {
      field.append(make("p", { className: "suggestion" }, say("suggestion", told.suggestion)));
    }
    const offered = make("div", { className: "offered" });
    for (const comment of told.comments) {
      const button = make("button", { type: "button" }, `+ ${comment}`);
      button.addEventListener("click", () => add(comment));
      offered.append(button);
    }
    if (told.comments.length) field.append(offered);
    return field;
  }));
}

function showPoints() {
  points.forEach((given, index) => {
    at(`line-${index}`).classList.toggle("given", given !== null);
    for (const box of at(`line-${index}`).querySelectorAll("input")) {
      box.checked = given !== null && Number(box.value) === given;
    }
  });
  const given = points.some((each) => each !== null);
  const sum = given ? points.reduce((total, each) => total + (each ?? 0), 0) : answer.score;
  at("total").textContent = say("total", { sum: sum ?? "–", most: questions[question].points });
  showRecord();
}

function showRecord() {
  const chosen = members.filter((each) => at(`with-${each.id}`)?.checked).length;
  at("record").textContent = chosen ? say("record_many", { count: chosen + 1 }) : words.record;
}

async function toggleGroup() {
  if (members.length) {
    members = [];
    at("alike").hidden = true;
    at("group").setAttribute("aria-pressed", "false");
    return showRecord();
  }
  const alike = order().filter((each) => each.group === answer.group && each.waiting && each.id !== answer.id);
  if (alike.length === 0) return tell(words.no_alike);
  members = await Promise.all(alike.slice(0, MOST_MEMBERS).map(({ id }) => ask(`answer/${id}`)));
  at("members").replaceChildren(...members.map((member) => {
    const box = make("input", { type: "checkbox", id: `with-${member.id}`, checked: true });
    box.addEventListener("change", showRecord);
    const title = make("label", {}, box, ` ${words.with_it} ${member.student}`);
    const text = make("div", { className: "prose" });
    text.innerHTML = member.html;
    const opening = make("button", { type: "button" }, words.open_it);
    opening.addEventListener("click", () => during(() => open(member.id)));
    return make("div", { className: "member" }, title, " ", opening, text, make("ul", {}, ...figures(member)));
  }));
  at("alike").hidden = false;
  at("group").setAttribute("aria-pressed", "true");
  at("alike").scrollIntoView({ block: "nearest" });
  showRecord();
}

function about(heading, ...content) {
  at("about-heading").textContent = heading;
  at("about-text").replaceChildren(...content);
  at("about").showModal();
}

function showKeys() {
  const rows = words.key_list.trim().split("\n").flatMap((line) => {
    const [keys, meaning] = line.split("|");
    return [make("dt", {}, make("kbd", {}, keys)), make("dd", {}, meaning)];
  });
  about(words.keys_heading, make("dl", {}, ...rows));
}

async function showAgreement() {
  const { agreement } = await ask("agreement");
  const lines = agreement.map(({ text, differing }) => {
    const line = make("p", {}, text);
    differing.forEach((id, index) => {
      const button = make("button", { type: "button" }, say("open_differing", { number: index + 1 }));
      button.addEventListener("click", () => {
        at("about").close();
        during(() => open(id));
      });
      line.append(" ", button);
    });
    return line;
  });
  about(words.agreement_heading, ...(lines.length ? lines : [make("p", {}, words.no_agreement)]));
}

// ---- keys and buttons

const KEYS = {
  n: () => during(() => move(1)),
  p: () => during(() => move(-1)),
  u: () => during(undo),
  g: () => during(toggleGroup),
  q: () => during(() => choose((question + 1) % questions.length)),
  s: () => takeSuggestions(),
  f: () => questions[question].lines.forEach((line, index) => give(index, line.points)),
  0: () => questions[question].lines.forEach((_, index) => give(index, 0)),
  c: () => at("comment").focus(),
  "?": () => showKeys(),
};

document.addEventListener("keydown", (event) => {
  // Nothing is typed ahead: a key is for an answer that is seen.
  if (busy || at("about").open || answer === null || event.altKey) return;
  const isText = event.target instanceof HTMLTextAreaElement;
  const isControl = event.ctrlKey || event.metaKey;
  if (event.key === "Escape") {
    document.activeElement?.blur();
  } else if (event.key === "Enter" && (isControl || !(isText || event.target.matches("button, summary, a")))) {
    event.preventDefault();
    during(record);
  } else if (!isText && !isControl) {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
    const act = digit && event.shiftKey
      ? () => answer.lines[digit - 1]?.comments[0] && add(answer.lines[digit - 1].comments[0])
      : digit ? () => cycle(digit - 1) : KEYS[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  }
});

at("record").addEventListener("click", () => during(record));
at("undo").addEventListener("click", KEYS.u);
at("group").addEventListener("click", KEYS.g);
at("next").addEventListener("click", KEYS.n);
at("previous").addEventListener("click", KEYS.p);
at("help").addEventListener("click", showKeys);
at("agree").addEventListener("click", () => during(showAgreement));
at("lines").addEventListener("submit", (event) => event.preventDefault());

during(async () => {
  const ticket = location.hash.slice(1);
  if (ticket) {
    history.replaceState(null, "", "/");
    const { key } = await ask("enter", { ticket });
    sessionStorage.setItem(KEY, key);
  }
  await look();
  tell("");
  await openNext();
});
