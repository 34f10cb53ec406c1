"use strict";
// The alerts that the user has chosen. Each browser keeps its own choice. An event plays the sound.
{
  const find = (selector) => document.querySelector(selector);
  const [sound, notify] = [find("#alert-sound"), find("#alert-notify")];
  const problem = find("#alert-problem");
  let audio = null;

  function play() {
    audio ??= new AudioContext();
    for (const [start, frequency] of [[0, 660], [0.12, 880]]) {
      const [tone, volume] = [new OscillatorNode(audio, { frequency }), new GainNode(audio)];
      const from = audio.currentTime + start;
      volume.gain.setValueAtTime(0.15, from);
      volume.gain.exponentialRampToValueAtTime(0.001, from + 0.25);
      tone.connect(volume).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.25);
    }
  }

  document.addEventListener("inbox:sound", play);

  const isAllowed = () => "Notification" in window && Notification.permission === "granted";
  sound.checked = localStorage.getItem("inbox-sound") === "on";
  notify.checked = localStorage.getItem("inbox-notify") === "on" && isAllowed();
  sound.addEventListener("change", () => {
    localStorage.setItem("inbox-sound", sound.checked ? "on" : "off");
    // Browsers allow sounds after a click only.
    if (sound.checked) play();
  });
  notify.addEventListener("change", async () => {
    if (notify.checked && "Notification" in window) await Notification.requestPermission();
    const isBlocked = notify.checked && !isAllowed();
    if (isBlocked) notify.checked = false;
    problem.textContent = isBlocked
      ? "The browser blocks notifications of this site. Allow them in the browser's settings."
      : "";
    localStorage.setItem("inbox-notify", notify.checked ? "on" : "off");
  });
}
