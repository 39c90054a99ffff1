/** An invoice as a page to print: no script, nothing from another host. Pure. */
import type { NanoUsd } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import type { Invoice, InvoiceAmounts } from './invoice.ts';

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#000;background:#fff}
h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}#about{margin:1.5rem 0 .5rem}
th,td{padding:.25rem .5rem;border-bottom:1px solid #ccc;text-align:right;font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left;min-width:8rem;overflow-wrap:anywhere}tfoot td,tfoot th{border-top:2px solid #000;font-weight:600}
thead{display:table-header-group}tr{break-inside:avoid}dl{display:grid;grid-template-columns:max-content auto;gap:0 1rem}dd{margin:0;overflow-wrap:anywhere}.wide{overflow-x:auto}
@page{margin:15mm}@media print{body{margin:0;max-width:none;padding:0}}`;

/** The whole page, UTF-8. Names come from people: all of them are inert. */
export function invoicePage(invoice: Invoice): string {
  const { number, orgName, orgId, month, timeZone, span, lines, total, dueNanoUsd } = invoice;
  const rows = lines.map(
    (line) => `<tr><th scope="row">${inert(`${line.provider}/${line.model}`)}</th>${cells(line)}</tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Invoice ${inert(number)}</title>
<style>${STYLE}</style>
<h1>Invoice ${inert(number)}</h1>
<dl>
<dt>For</dt><dd>${inert(orgName)} (${inert(orgId)})</dd>
<dt>Month</dt><dd>${inert(month)}: from ${timeTag(span.startMs)} until ${timeTag(span.endMs)} (${inert(timeZone)})</dd>
<dt>To pay</dt><dd><strong>${formatUsd(dueNanoUsd)} USD</strong></dd>
</dl>
<p id="about">What was used, by model. Amounts in US dollars, exact to the nano-dollar.</p>
<div class="wide" role="region" aria-labelledby="about" tabindex="0">
<table aria-labelledby="about">
<thead><tr><th scope="col">Model</th><th scope="col">Requests</th><th scope="col">Tokens in</th><th scope="col">Tokens out</th><th scope="col">Cost</th><th scope="col">Markup</th><th scope="col">Charge</th><th scope="col">Credits</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
<tfoot><tr><th scope="row">Total</th>${cells(total)}</tr></tfoot>
</table>
</div>
${total.unpriced === 0 ? '' : `<p>${total.unpriced} attempts had no known price when this was written. They are in no amount above.</p>\n`}</html>
`;
}

function cells(of: InvoiceAmounts): string {
  const money = [of.costNanoUsd, of.chargeNanoUsd - of.costNanoUsd, of.chargeNanoUsd, of.creditsNanoUsd];
  const counts = [of.requests, of.inputTokens, of.outputTokens].map(String);
  return [...counts, ...money.map((amount: NanoUsd) => formatUsd(amount))].map((cell) => `<td>${cell}</td>`).join('');
}

function timeTag(atMs: number): string {
  const iso = new Date(atMs).toISOString();
  return `<time datetime="${iso}">${iso}</time>`;
}

function inert(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
