/** The page at `/`: what this is, and how to call it. Static; no request to another host. */

/** A small page for a person who opened the base URL in a browser. */
export function homePage(version: string): { readonly type: string; readonly body: string } {
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Turnout</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}code,pre{font:14px/1.5 ui-monospace,monospace}pre{overflow:auto;padding:1rem;border:1px solid #8886;border-radius:6px}</style>
<h1>Turnout</h1>
<p>One endpoint in front of every provider of large language models. Version ${version}. It is running.</p>
<h2>Call it</h2>
<pre>curl http://THIS-HOST/v1/chat/completions \\
  -H "Authorization: Bearer $TURNOUT_KEY" -H "Content-Type: application/json" \\
  -d '{"model":"auto","messages":[{"role":"user","content":"hi"}]}'</pre>
<p>OpenAI clients: base URL <code>/v1</code>. Anthropic clients: base URL <code>/</code>. Gemini clients: base URL <code>/</code>.</p>
<h2>Look at it</h2>
<ul>
<li><a href="/login">/login</a> for your account and your keys</li>
<li><a href="/readyz">/readyz</a> whether it can serve</li>
<li><a href="/metrics">/metrics</a> numbers for Prometheus</li>
<li><code>GET /v1/models</code> what this key may use</li>
<li><code>POST /v1/explain</code> where a request would go, and why</li>
</ul>
</html>
`;
  return { type: 'text/html; charset=utf-8', body };
}
