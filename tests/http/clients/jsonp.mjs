// The page described in wire/cdr-pull-onepos.md: jQuery's `dataType: "jsonp"`, which adds a script to the page and
// calls what it gets. Usage: node jsonp.mjs URL API_KEY FROM TO
import vm from "node:vm";

const [url, key, from, to] = process.argv.slice(2);
const rows = [];
let offset = 0;
let pages = 0;
for (;;) {
  const callback = `jQuery19108${pages}_175758${pages}`;
  const query = new URLSearchParams({
    callback, api_key: key, domain: "tazaspa102019", limit: "200", offset: String(offset), from, to, _: "1757586989",
  });
  const answer = await fetch(`${url}?${query}`);
  const kind = answer.headers.get("content-type");
  if (!answer.ok || !/^application\/javascript\b/.test(kind) || answer.headers.get("x-content-type-options") !== "nosniff") {
    throw new Error(`${answer.status} ${kind}`);
  }
  if (answer.headers.get("cross-origin-resource-policy") !== "cross-origin") {
    throw new Error("a browser would not run this script in another host's page");
  }
  let page;
  vm.runInNewContext(await answer.text(), { [callback]: (data) => { page = data; } });
  pages += 1;
  if (page.status !== "success") throw new Error(page.message);
  for (const record of page.data) {
    record.direction.toUpperCase();
    record.call_status.toUpperCase();
    rows.push(record.uuid);
  }
  if (page.data.length < 200) break;
  offset = page.next_offset;
}
console.log(JSON.stringify({ pages, rows: rows.length, unique: new Set(rows).size }));
