"""How a report looks: one sheet of style, light and dark, on a wide screen, a phone and paper. Its digest is in the
page's own policy, so that no other style, and no script at all, can be in force there."""

from __future__ import annotations

from typing import Final

__all__ = ["STYLE"]

STYLE: Final = """
:root{color-scheme:light dark;--bg:#f6f5f2;--panel:#fff;--ink:#1d1f23;--dim:#5b6069;--line:#dedbd4;--accent:#0b4f8a;
--good:#17683a;--bad:#b3261e;--warn:#8a5200;--wait:#5a4a9c;--mat:#ecebe6;--ins:#d9f2df;--del:#fbdedb;
--radius:10px}
@media (prefers-color-scheme:dark){:root{--bg:#15171a;--panel:#1e2125;--ink:#eceef0;--dim:#a3a9b2;--line:#33383f;
--accent:#83bdf2;--good:#79d29a;--bad:#ff9a90;--warn:#f0b862;--wait:#b9a9ff;--mat:#282c31;--ins:#173d26;--del:#52211e}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue","Noto Sans",sans-serif}
main,header,footer{max-width:1180px;margin:0 auto;padding:0 24px}
header{padding-top:36px}
h1{font-size:30px;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:20px;margin:44px 0 4px;letter-spacing:-.005em}
h3{font-size:15px;margin:24px 0 10px;display:flex;gap:8px;align-items:baseline}
h3 small{font-weight:400;color:var(--dim)}
p{margin:4px 0}
.dim,.lead{color:var(--dim)}
.lead{margin:0 0 14px;max-width:70ch}
.small{font-size:13px}
code{font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:22px 0 0;padding:0}
.figure{background:var(--panel);border:1px solid var(--line);border-radius:var(--radius);padding:14px 16px}
.figure dt{color:var(--dim);font-size:13px}
.figure dd{margin:0}
.figure .big{font-size:26px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums}
.note{background:var(--panel);border:1px solid var(--line);border-inline-start:4px solid var(--warn);
border-radius:6px;padding:10px 14px;margin:14px 0;overflow-wrap:anywhere}
.note.bad{border-inline-start-color:var(--bad)}
.scroll{overflow-x:auto;background:var(--panel);border:1px solid var(--line);border-radius:var(--radius)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:start;padding:8px 14px;border-top:1px solid var(--line);vertical-align:top}
thead th{border-top:0;color:var(--dim);font-weight:500;font-size:13px;white-space:nowrap}
tbody th{font-weight:600}
td.n,th.n{text-align:end;white-space:nowrap}
tfoot td,tfoot th{font-weight:650}
td.none{color:var(--dim)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,520px),1fr));gap:14px}
.cards.single{grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr))}
.card{background:var(--panel);border:1px solid var(--line);border-radius:var(--radius);overflow:hidden;
break-inside:avoid}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1px;background:var(--line)}
.pair.one{grid-template-columns:1fr}
figure{margin:0;background:var(--mat);display:flex;flex-direction:column;min-width:0}
figure .box{display:flex;align-items:center;justify-content:center;flex:1;padding:10px;min-height:120px}
figure img{display:block;max-width:100%;max-height:280px;width:auto;height:auto;border-radius:2px}
figcaption{font-size:12.5px;color:var(--dim);padding:6px 10px;background:var(--panel);border-top:1px solid var(--line)}
figcaption b{color:var(--ink);font-weight:600}
.body{padding:11px 14px 13px}
.name{font-weight:600;overflow-wrap:anywhere}
.where{font-size:13px;color:var(--dim);overflow-wrap:anywhere}
.badges{display:flex;flex-wrap:wrap;gap:6px;margin:8px 0 0;padding:0}
.badge{display:inline-flex;gap:5px;align-items:baseline;border:1px solid currentColor;border-radius:999px;
padding:0 9px;font-size:12.5px;line-height:20px;white-space:nowrap}
.badge.long{white-space:normal;border-radius:11px}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.wait{color:var(--wait)}
ul.why{list-style:none;margin:9px 0 0;padding:9px 0 0;border-top:1px solid var(--line);font-size:13.5px}
ul.why li{margin:3px 0;overflow-wrap:anywhere}
ul.why .of{color:var(--dim)}
ins,del{unicode-bidi:isolate;border-radius:3px;padding:0 2px;text-decoration-thickness:1px}
ins{background:var(--ins);text-decoration:none;border-bottom:2px solid var(--good)}
del{background:var(--del)}
details{margin:2px 0}
details>.cards{margin-top:10px}
.cards+details{margin-top:12px}
summary{cursor:pointer;color:var(--accent)}
summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
ul.names{margin:6px 0;padding-inline-start:18px;columns:2 320px;font-size:13px}
ul.names li{overflow-wrap:anywhere}
a{color:var(--accent)}
footer{padding-top:30px;padding-bottom:44px;color:var(--dim);font-size:13px}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (max-width:640px){
main,header,footer{padding-left:14px;padding-right:14px}
header{padding-top:20px}
h1{font-size:24px}
.figures{grid-template-columns:1fr 1fr;gap:8px}
.figure{padding:10px 12px}
.figure:last-child:nth-child(odd){grid-column:1/-1}
.figure .big{font-size:21px}
summary{padding:10px 0}
figure .box{padding:6px;min-height:90px}
figure img{max-height:220px}
.stack thead{display:none}
.stack,.stack tbody,.stack tr,.stack td,.stack th{display:block}
.stack tr{border-top:1px solid var(--line);padding:8px 0}
.stack tr:first-child{border-top:0}
.stack td,.stack th{border:0;padding:2px 14px}
.stack td.n{display:inline-block;text-align:start;padding-inline-end:0}
.stack td.n[data-name]::before{content:attr(data-name) " ";color:var(--dim)}
.stack td.none{display:none}
}
@media print{
:root{--bg:#fff;--panel:#fff;--ink:#000;--dim:#444;--line:#bbb;--mat:#f4f4f4;--accent:#000;--good:#0b4d26;
--bad:#8c1610;--warn:#6b4000;--wait:#42347d;--ins:#e4f5e8;--del:#fbe4e2}
body{font-size:11px}
main,header,footer{max-width:none;padding-left:0;padding-right:0}
.cards{grid-template-columns:1fr 1fr}
.scroll{overflow:visible}
h2,h3{break-after:avoid}
tr{break-inside:avoid}
details::details-content{content-visibility:visible;height:auto}
}
"""
