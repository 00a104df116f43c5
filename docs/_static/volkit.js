// What scrolls sideways can be reached with the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll("pre, .pst-scrollable-table-container, .cell_output table")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
  // The arrows of the sidebar have no words of their own.
  for (const arrow of document.querySelectorAll(".bd-sidebar summary")) {
    const link = arrow.closest("li")?.querySelector("a");
    arrow.setAttribute("aria-label", `Pages below ${link ? link.textContent.trim() : "this one"}`);
  }
});
