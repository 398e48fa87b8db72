"use strict";
// Zoom, pan and fit of pictures. Those of one function, before and after the fixes, move together.
(() => {
  for (const group of document.querySelectorAll(".stages")) {
    const pictures = [...group.querySelectorAll("svg.picture")];
    const tools = group.parentElement.querySelector(".zoom");
    if (!pictures.length || !tools) continue;
    const whole = pictures[0].viewBox.baseVal;
    const [width, height] = [whole.width, whole.height];
    let [x, y, scale] = [0, 0, 1];
    const show = () => {
      const [w, h] = [width / scale, height / scale];
      x = Math.max(0, Math.min(x, width - w));
      y = Math.max(0, Math.min(y, height - h));
      for (const picture of pictures) picture.setAttribute("viewBox", `${x} ${y} ${w} ${h}`);
      group.classList.toggle("zoomed", scale > 1);
      tools.querySelector("output").textContent = `${Math.round(scale * 100)} %`;
    };
    const zoom = (by, toX = 0.5, toY = 0.5) => {
      const next = Math.max(1, Math.min(8, scale * by));
      x += toX * (width / scale - width / next);
      y += toY * (height / scale - height / next);
      scale = next;
      show();
    };
    tools.hidden = false;
    tools.addEventListener("click", event => {
      const what = event.target.dataset.zoom;
      if (what === "in") zoom(1.4);
      if (what === "out") zoom(1 / 1.4);
      if (what === "fit") { scale = 1; show(); }
    });
    const pointers = new Map();
    let apart = 0;
    for (const picture of pictures) {
      picture.addEventListener("wheel", event => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const box = picture.getBoundingClientRect();
        zoom(Math.exp(-event.deltaY / 300), (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      }, {passive: false});
      picture.addEventListener("dblclick", event => {
        const box = picture.getBoundingClientRect();
        zoom(2, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      });
      picture.addEventListener("pointerdown", event => {
        pointers.set(event.pointerId, event);
        if (scale > 1 || pointers.size > 1) picture.setPointerCapture(event.pointerId);
      });
      picture.addEventListener("pointermove", event => {
        const last = pointers.get(event.pointerId);
        if (!last) return;
        pointers.set(event.pointerId, event);
        const box = picture.getBoundingClientRect();
        if (pointers.size === 2) {
          const [one, two] = [...pointers.values()];
          const now = Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
          const [midX, midY] = [(one.clientX + two.clientX) / 2, (one.clientY + two.clientY) / 2];
          if (apart) zoom(now / apart, (midX - box.left) / box.width, (midY - box.top) / box.height);
          apart = now;
        } else if (scale > 1) {
          x -= (event.clientX - last.clientX) * width / scale / box.width;
          y -= (event.clientY - last.clientY) * height / scale / box.height;
          show();
        }
      });
      for (const end of ["pointerup", "pointercancel", "pointerleave"]) picture.addEventListener(end, event => {
        pointers.delete(event.pointerId);
        apart = 0;
      });
      picture.tabIndex = 0;
      picture.addEventListener("keydown", event => {
        const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
        if (event.key === "+" || event.key === "=") zoom(1.4);
        else if (event.key === "-") zoom(1 / 1.4);
        else if (event.key === "0") { scale = 1; show(); }
        else if (step && scale > 1) { x += step[0] * width / scale / 8; y += step[1] * height / scale / 8; show(); }
        else return;
        event.preventDefault();
      });
    }
    show();
  }
})();
