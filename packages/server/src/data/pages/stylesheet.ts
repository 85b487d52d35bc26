/** The one stylesheet. Colours meet AA contrast (4.5:1 for text, 3:1 for edges and focus) in light and dark. */
export const stylesheet = `:root {
  color-scheme: light dark;
  --ground: #f3f5f9; --ground-2: #e6ebf5; --card: #ffffff; --edge: #d6dce6; --field-edge: #7b8698;
  --ink: #121a2b; --ink-2: #4a556a; --main: #1d4ed8; --main-down: #1a43b8; --main-ink: #ffffff;
  --bad: #9f1a1a; --bad-ground: #fdecec; --bad-edge: #f0b4b4; --tick: #0f7a4d; --tick-ground: #e2f5ec;
  --shadow: 0 1px 2px rgb(16 24 40 / .06), 0 16px 40px -12px rgb(16 24 40 / .18);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0c111b; --ground-2: #121a2a; --card: #161e2e; --edge: #2a3548; --field-edge: #77839a;
    --ink: #eef2f9; --ink-2: #aab5c8; --main: #7aa2ff; --main-down: #9ab8ff; --main-ink: #0b1530;
    --bad: #ffb4b4; --bad-ground: #371a20; --bad-edge: #6b2c35; --tick: #62d6a1; --tick-ground: #14342a;
    --shadow: 0 1px 2px rgb(0 0 0 / .4), 0 20px 48px -12px rgb(0 0 0 / .6);
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; color: var(--ink);
  background: radial-gradient(120% 90% at 50% -10%, var(--ground-2), var(--ground) 60%) no-repeat var(--ground);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-font-smoothing: antialiased;
}
.frame {
  min-height: 100vh; min-height: 100dvh; max-width: 28rem; margin: 0 auto; padding: 2rem 1rem 1.25rem;
  display: flex; flex-direction: column; justify-content: center; gap: 1.25rem;
}
.brand { display: flex; align-items: center; justify-content: center; gap: .625rem; font-weight: 600; }
.brand img { display: block; border-radius: .5rem; }
.brand span { overflow-wrap: anywhere; }
.card {
  background: var(--card); border: 1px solid var(--edge); border-radius: 1rem; box-shadow: var(--shadow);
  padding: 2rem;
}
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; letter-spacing: -.015em; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 0 0 .625rem; font-size: .875rem; font-weight: 600; color: var(--ink-2); }
p { margin: 0; }
strong { font-weight: 600; overflow-wrap: anywhere; }
code { font: .8125rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.lead { margin-top: .375rem; color: var(--ink-2); }
.lead strong { color: var(--ink); }
.quiet { color: var(--ink-2); }
section { margin-top: 1.5rem; }
form { margin-top: 1.5rem; }
.field { margin-bottom: 1.125rem; }
label { display: block; margin-bottom: .375rem; font-size: .875rem; font-weight: 600; }
input[type="text"], input[type="password"] {
  display: block; width: 100%; min-height: 2.875rem; padding: .625rem .875rem; font: inherit; color: var(--ink);
  background: var(--card); border: 1px solid var(--field-edge); border-radius: .625rem;
}
input.code { font: 600 1.25rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; letter-spacing: .08em; text-transform: uppercase; }
input[aria-invalid="true"] { border-color: var(--bad); }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
input:focus-visible { outline-offset: 0; border-color: var(--main); }
.button {
  display: block; width: 100%; min-height: 2.875rem; padding: .625rem 1rem; font: inherit; font-weight: 600;
  color: var(--ink); background: var(--card); border: 1px solid var(--field-edge); border-radius: .625rem;
  cursor: pointer; transition: background-color .12s;
}
.button:hover { background: var(--ground); }
.button-main { color: var(--main-ink); background: var(--main); border-color: transparent; margin-top: 1.5rem; }
.button-main:hover { background: var(--main-down); }
.lead + .notes { margin-top: 1.25rem; }
a.button { text-align: center; text-decoration: none; }
.choices { display: grid; gap: .75rem; grid-template-columns: 1fr; }
.choices .button { margin: 0; }
.choices .button:only-child { grid-column: 1 / -1; }
.hint { margin-top: 1.25rem; font-size: .8125rem; color: var(--ink-2); }
.notice { margin-top: 1.25rem; padding: .75rem .875rem; border: 1px solid var(--field-edge); border-radius: .625rem; font-size: .9375rem; }
.notice-bad { color: var(--bad); background: var(--bad-ground); border-color: var(--bad-edge); }
.notice + p { margin-top: 1rem; }
.grants, .places, .notes { list-style: none; margin: 0; padding: 0; }
.grants { border: 1px solid var(--edge); border-radius: .75rem; }
.grants li { display: flex; gap: .75rem; padding: .75rem .875rem; }
.grants li + li { border-top: 1px solid var(--edge); }
.grants p { color: var(--ink-2); font-size: .875rem; }
.vouched { margin-top: .75rem; font-size: .875rem; color: var(--ink-2); }
.vouched-nobody { color: var(--bad); }
.tick {
  flex: none; width: 1.375rem; height: 1.375rem; margin-top: .125rem; border-radius: 50%; position: relative;
  background: var(--tick-ground);
}
.tick::after {
  content: ""; position: absolute; left: .5rem; top: .25rem; width: .3125rem; height: .625rem;
  border: solid var(--tick); border-width: 0 2px 2px 0; transform: rotate(45deg);
}
.detail > div { min-width: 0; flex: 1; }
.detail dl { margin: .5rem 0 0; }
.detail dl > div { display: grid; grid-template-columns: minmax(5.5rem, 30%) 1fr; gap: .125rem .75rem; align-items: baseline; padding: .1875rem 0; }
.detail dt { color: var(--ink-2); font-size: .875rem; }
.detail dd { grid-column: 2; margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.places li { padding: .125rem 0; }
.notes { font-size: .875rem; color: var(--ink-2); }
.notes li { position: relative; padding: .1875rem 0 .1875rem 1rem; }
.notes li::before {
  content: ""; position: absolute; left: .125rem; top: .75rem; width: .3125rem; height: .3125rem;
  border-radius: 50%; background: var(--field-edge);
}
.passkey { margin-top: .75rem; }
.lead + .passkey { margin-top: 1.5rem; }
.problem { margin-top: .625rem; font-size: .875rem; color: var(--bad); }
#decline-form { margin-top: .75rem; }
.onward { margin-top: 1rem; }
.steps { margin: 1.25rem 0 0; padding-left: 1.25rem; }
.steps li + li { margin-top: .75rem; }
.steps p { margin-top: .375rem; }
.qr { display: block; width: 100%; max-width: 13rem; height: auto; margin: .75rem 0; border: 1px solid var(--edge); border-radius: .5rem; }
#totp-secret { font-size: .9375rem; letter-spacing: .04em; }
.methods { list-style: none; margin: 0; padding: 0; border: 1px solid var(--edge); border-radius: .75rem; }
.quiet + .methods { margin-top: .75rem; }
.methods li { display: flex; align-items: center; justify-content: space-between; gap: .75rem; padding: .75rem .875rem; }
.methods li + li { border-top: 1px solid var(--edge); }
.methods p { overflow-wrap: anywhere; color: var(--ink-2); font-size: .8125rem; }
.methods form { margin: 0; flex: none; }
h3 { margin: 0; font-size: 1.0625rem; line-height: 1.3; font-weight: 650; overflow-wrap: anywhere; }
.methods li > div { min-width: 0; }
.methods a.button-small { width: auto; flex: none; }
.sessions .button-small { min-width: 6.5rem; }
.allowed { margin-top: 1rem; padding: 1rem; border: 1px solid var(--edge); border-radius: .75rem; }
.allowed .host { font-size: .8125rem; color: var(--ink-2); overflow-wrap: anywhere; }
.allowed .may { margin-top: .75rem; font-size: .875rem; color: var(--ink-2); }
.allowed .grants { border: 0; }
.allowed .grants li { padding: .375rem 0; border: 0; }
.allowed .notes { margin-top: .375rem; overflow-wrap: anywhere; }
.allowed form { margin-top: .875rem; }
.button-small { min-height: 2.25rem; padding: .375rem .75rem; font-size: .875rem; }
.whose { margin-top: 1.5rem; padding-top: 1rem; border-top: 1px solid var(--edge); font-size: .875rem; color: var(--ink-2); }
a { color: var(--main); }
a.button { color: var(--ink); }
a.button-main { color: var(--main-ink); }
.approval { margin-top: 1.5rem; border-top: 1px solid var(--edge); padding-top: 1.5rem; }
.approval > .quiet { font-size: .875rem; }
.approval > .quiet + p { margin-top: .75rem; }
.approval + .onward { margin-top: .75rem; }
.approval h2 { margin: 0; font-size: 1.125rem; color: var(--ink); overflow-wrap: anywhere; }
.approval .grants, .approval .notes { margin-top: 1rem; }
.binding {
  margin: .75rem 0; padding: .75rem .875rem; border: 2px solid var(--main); border-radius: .625rem; text-align: center;
  font: 600 1.25rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere;
}
.facts { margin: 1.25rem 0 0; border-top: 1px solid var(--edge); }
.facts div { padding: .625rem 0; border-bottom: 1px solid var(--edge); }
.facts dt { font-size: .8125rem; color: var(--ink-2); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.foot { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1rem; font-size: .75rem; color: var(--ink-2); }
.foot code { font-size: .6875rem; }
.unseen { position: absolute; width: 1px; height: 1px; border: 0; clip-path: inset(50%); }
@media (max-width: 30rem) {
  .frame { justify-content: flex-start; padding: 1.25rem .875rem 1rem; }
  .card { padding: 1.5rem 1.25rem; }
  .sessions li { flex-direction: column; align-items: stretch; }
}
@media (min-width: 30.01rem) { .choices { grid-template-columns: 1fr 1fr; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
@media (forced-colors: active) { .tick { border: 1px solid; } }
`
