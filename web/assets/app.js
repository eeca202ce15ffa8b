// The dashboard works without this file. It adds: the theme switch, charts, short addresses of filters, copy buttons, and
// the "/" key. No library but ECharts, and that only where a page has a chart.
(function () {
  "use strict";

  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var calm = window.matchMedia("(prefers-reduced-motion: reduce)");

  function isDark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  }

  // --- theme -------------------------------------------------------------------------------------------------------

  function themeSwitch() {
    var button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    function label() {
      var to = isDark() ? "light" : "dark";
      button.setAttribute("aria-label", "Use the " + to + " theme");
      button.title = "Use the " + to + " theme";
    }
    button.hidden = false;
    button.addEventListener("click", function () {
      root.dataset.theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("dxctl-theme", root.dataset.theme); } catch (e) { /* holds for this page only */ }
      label();
      redraw();
    });
    dark.addEventListener("change", function () { label(); redraw(); });
    label();
  }

  // --- charts ------------------------------------------------------------------------------------------------------

  var drawn = [];

  // resolve replaces "var(--name)" by the value that the property has now.
  function resolve(value, styles) {
    if (typeof value === "string") {
      var m = /^var\((--[\w-]+)\)$/.exec(value);
      return m ? styles.getPropertyValue(m[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map(function (v) { return resolve(v, styles); });
    if (value && typeof value === "object") {
      var out = {};
      Object.keys(value).forEach(function (k) { out[k] = resolve(value[k], styles); });
      return out;
    }
    return value;
  }

  function look(styles) {
    function v(name) { return styles.getPropertyValue(name).trim(); }
    var axis = {
      axisLine: { lineStyle: { color: v("--line-strong") } },
      axisTick: { show: false },
      axisLabel: { color: v("--ink-2"), fontSize: 12, lineHeight: 16 },
      splitLine: { lineStyle: { color: v("--line") } },
    };
    var value = Object.assign({}, axis, { axisLine: { show: false } });
    return {
      color: [1, 2, 3, 4, 5, 6].map(function (i) { return v("--chart-" + i); }),
      backgroundColor: "transparent",
      textStyle: { fontFamily: v("--font"), color: v("--ink") },
      legend: { textStyle: { color: v("--ink-2") }, inactiveColor: v("--ink-3") },
      tooltip: {
        backgroundColor: v("--surface"), borderColor: v("--line-strong"), borderWidth: 1, padding: [8, 12],
        textStyle: { color: v("--ink"), fontSize: 13 }, extraCssText: "box-shadow: 0 4px 16px rgb(0 0 0 / .12); border-radius: 8px;",
        axisPointer: { lineStyle: { color: v("--line-strong") }, shadowStyle: { color: v("--hover"), opacity: 1 } },
      },
      bar: { itemStyle: { borderRadius: [3, 3, 0, 0] }, barMaxWidth: 36 },
      categoryAxis: Object.assign({}, axis, { splitLine: { show: false } }),
      valueAxis: value,
      timeAxis: axis,
    };
  }

  function draw(figure) {
    var plot = figure.querySelector("[data-plot]");
    var data = figure.querySelector("script[type='application/json']");
    if (!plot || !data) return null;
    var spec = JSON.parse(data.textContent);
    var styles = getComputedStyle(root);
    var chart = echarts.init(plot, look(styles), { renderer: "svg" });
    var option = resolve(spec.options, styles);
    option.animation = !calm.matches;
    option.animationDuration = 300;
    option.tooltip = Object.assign({ confine: true }, option.tooltip);
    if (spec.unit) {
      option.tooltip.valueFormatter = function (v) {
        if (Array.isArray(v)) v = v[v.length - 1];
        return v === "-" || v === null || v === undefined ? "not reached yet" : v + " " + spec.unit;
      };
    }
    chart.setOption(option);
    var links = spec.links || [];
    function target(p) { return p.componentType === "series" && links[p.seriesIndex] && links[p.seriesIndex][p.dataIndex]; }
    chart.on("click", function (p) { var to = target(p); if (to) window.location.assign(to); });
    chart.on("mouseover", function (p) { chart.getZr().setCursorStyle(target(p) ? "pointer" : "default"); });
    return { figure: figure, chart: chart };
  }

  function redraw() {
    if (!window.echarts) return;
    drawn.forEach(function (d) { d.chart.dispose(); });
    drawn = Array.prototype.map.call(document.querySelectorAll("[data-chart]"), draw).filter(Boolean);
  }

  function charts() {
    if (!window.echarts) return;
    redraw();
    var observer = new ResizeObserver(function (entries) {
      entries.forEach(function (e) {
        drawn.forEach(function (d) { if (d.figure.contains(e.target)) d.chart.resize(); });
      });
    });
    document.querySelectorAll("[data-plot]").forEach(function (plot) { observer.observe(plot); });
    calm.addEventListener("change", redraw);
  }

  // --- forms -------------------------------------------------------------------------------------------------------

  // Fields without a value stay out of the address, so that it is short enough to share.
  function tidy(form) {
    function empty(field) { return field.name && !field.value; }
    form.addEventListener("submit", function () {
      Array.prototype.filter.call(form.elements, empty).forEach(function (field) { field.disabled = true; });
    });
    // The browser shows the page as it was when the reader goes back.
    window.addEventListener("pageshow", function () {
      Array.prototype.forEach.call(form.elements, function (field) { field.disabled = false; });
    });
  }

  // --- small things ------------------------------------------------------------------------------------------------

  function copyButtons() {
    document.querySelectorAll("[data-copy]").forEach(function (button) {
      if (!navigator.clipboard) return;
      button.hidden = false;
      button.addEventListener("click", function () {
        var source = document.getElementById(button.dataset.copy);
        navigator.clipboard.writeText(source.textContent).then(function () {
          var before = button.textContent;
          button.textContent = "Copied";
          window.setTimeout(function () { button.textContent = before; }, 1600);
        }, function () {
          window.getSelection().selectAllChildren(source);
          button.textContent = "Selected: copy with the keyboard";
        });
      });
    });
  }

  function keys() {
    document.addEventListener("keydown", function (e) {
      if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
      var field = document.querySelector("[data-focus-key]");
      if (!field) return;
      e.preventDefault();
      field.focus();
      field.select();
    });
  }

  // A link to a closed <details> opens it.
  function openTarget() {
    var id = window.location.hash.slice(1);
    var at = id && document.getElementById(decodeURIComponent(id));
    var details = at && at.closest("details");
    if (details) details.open = true;
  }

  themeSwitch();
  charts();
  document.querySelectorAll("form.filters").forEach(tidy);
  copyButtons();
  keys();
  openTarget();
  window.addEventListener("hashchange", openTarget);
})();
