; Inno Setup 6: one installer from the folder that packaging\build.py has built. Not tried yet; see packaging\README.md.
;     iscc packaging\windows\aigc-studio.iss
#define Version "0.1.0"
#ifndef Built
  #define Built "..\..\build\packaged\aigc-studio"
#endif

[Setup]
AppId={{6E1E3C0B-5C6C-4B0C-9D0B-0E3B7C5D9A41}
AppName=AIGC Studio
AppVersion={#Version}
AppPublisher=The AIGC Studio authors
LicenseFile={#Built}\LICENSE
; For one person, without an administrator's rights.
PrivilegesRequired=lowest
DefaultDirName={autopf}\AIGC Studio
DefaultGroupName=AIGC Studio
UninstallDisplayIcon={app}\aigc-studio.exe
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
Compression=lzma2
SolidCompression=yes
OutputDir={#Built}\..
OutputBaseFilename=aigc-studio-{#Version}-windows

[Files]
Source: "{#Built}\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{autoprograms}\AIGC Studio"; Filename: "{app}\aigc-studio.exe"

[Run]
Filename: "{app}\aigc-studio.exe"; Description: "{cm:LaunchProgram,AIGC Studio}"; Flags: nowait postinstall skipifsilent
